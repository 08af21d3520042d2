package qmp

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded is a monitor that has said all it will ever say.
type recorded struct {
	net.Conn
	*bytes.Reader
}

func (recorded) Write(p []byte) (int, error)  { return len(p), nil }
func (r recorded) Read(p []byte) (int, error) { return r.Reader.Read(p) }

// A guest that breaks out has its QEMU, and so its monitor: whatever that says, a step ends, and takes no answer that is not to its own question.
func FuzzMonitor(f *testing.F) {
	for _, text := range []string{
		`{"QMP":{"version":{}}}` + "\n" + `{"return":[{"name":"clinker-v","type":"child"}],"id":"s 1"}` + "\n",
		`{"event":"DEVICE_DELETED","data":{}}` + "\n" + `{"return":[{"name":"other"}],"id":"s 2"}` + "\n" + `{"return":[],"id":"s 1"}` + "\n",
		`{"error":{"class":"DeviceNotFound","desc":"x"},"id":"s 1"}` + "\n", `{"return":{},"id":"s 1"}` + "\n", `{"id":"s 1"}` + "\n", `{"return":null,"id":"s 1"}` + "\n", "[]\n", "{", "\n\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in := bytes.NewReader(text)
		c := &client{conn: recorded{Reader: in}, in: bufio.NewScanner(in), session: "s"}
		had, err := newGuest(c, "v").plugged()
		if had {
			require.NoError(t, err)
			require.Contains(t, string(text), "return")
		}
		_ = refused(err)
	})
}
