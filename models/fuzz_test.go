package models

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzConnector: a connector is what any client says of a host. It is refused, or is the same host when it is read again.
func FuzzConnector(f *testing.F) {
	for _, text := range []string{
		`{"host":"h","ip":"192.0.2.1","initiator":"iqn.1993-08.org.debian:01:a","multipath":false,"platform":"x86_64","os_type":"linux2","do_local_attach":false}`,
		`{"host":"h","wwpns":["5001"],"nqn":null,"system uuid":"x"}`, `{"host":{"host":1}}`, `{"multipath":"yes"}`, `{"HOST":"a","host":"b"}`, "null", "[]", `"`, "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a := Attachment{Connector: text}
		host, err := a.Host()
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		again, err := json.Marshal(host)
		require.NoError(t, err)
		same, err := Attachment{Connector: again}.Host()
		require.NoError(t, err)
		require.True(t, host.SameHost(same))
	})
}
