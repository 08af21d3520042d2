package cli

import (
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/stretchr/testify/require"
)

// Whatever a server, or a proxy before it, says in an error, the client has a sentence and an exit code for it.
func FuzzFault(f *testing.F) {
	for _, text := range []string{`{"itemNotFound":{"code":404,"message":"x"}}`, `{"error":{"message":"x"}}`, `{"errors":[{"detail":"x"}]}`, `{"errors":[]}`, "<html>", "", "null", `{"a":null,"b":{"message":1}}`} {
		f.Add(404, text)
	}
	f.Fuzz(func(t *testing.T, status int, text string) {
		err := fromResponse(gophercloud.ErrUnexpectedResponseCode{Actual: status, Body: []byte(text), ResponseHeader: http.Header{}})
		require.NotNil(t, err)
		require.NotEmpty(t, err.Message)
		require.NotZero(t, err.Code)
	})
}
