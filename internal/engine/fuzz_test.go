package engine

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
)

// Whatever is in a file of keys, none of it is in an error, and what it can write it can read.
func FuzzKeys(f *testing.F) {
	key := base64.StdEncoding.EncodeToString(make([]byte, payloadKeySize))
	for _, text := range []string{"a " + key, "a " + key + "\nb " + key + " node1\n# x\n", "a " + key + "\na " + key, "a", "", "a " + key + " b c", " \x00 " + key} {
		f.Add(text)
	}
	plain := &commonpb.Payload{Metadata: map[string][]byte{metadataEncoding: []byte("json/plain")}, Data: []byte(`"x"`)}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := parseKeys(text)
		if err != nil {
			for word := range strings.FieldsSeq(text) {
				require.False(t, len(word) > payloadKeySize && strings.Contains(err.Error(), word), "%v", err)
			}
			return
		}
		hidden, err := k.Encode([]*commonpb.Payload{plain})
		require.NoError(t, err)
		shown, err := k.Decode(hidden)
		require.NoError(t, err)
		require.Equal(t, plain.GetData(), shown[0].GetData())
	})
}

// A node answers what it likes: what no key of ours encrypted is refused or left as it is, and never taken for something encrypted.
func FuzzDecode(f *testing.F) {
	k, err := parseKeys("a " + base64.StdEncoding.EncodeToString(make([]byte, payloadKeySize)))
	require.NoError(f, err)
	plain, err := proto.Marshal(&commonpb.Payload{Data: []byte("x")})
	require.NoError(f, err)
	nonce := make([]byte, k.ring[0].aead.NonceSize()) // not of chance: a fuzzing process and its workers make the same
	good := k.ring[0].aead.Seal(nonce, nonce, plain, []byte("a"))
	f.Add(encrypted, "a", good)
	f.Add(encrypted, "a", good[:5])
	f.Add(encrypted, "b", good)
	f.Add("json/plain", "", []byte("1"))
	f.Fuzz(func(t *testing.T, encoding, id string, data []byte) {
		p := &commonpb.Payload{Metadata: map[string][]byte{metadataEncoding: []byte(encoding), metadataKeyID: []byte(id)}, Data: data}
		out, err := k.Decode([]*commonpb.Payload{p})
		switch {
		case err != nil:
			require.Equal(t, encrypted, encoding)
		case encoding == encrypted:
			require.Equal(t, good, data, "a payload that nobody encrypted")
			require.Equal(t, "x", string(out[0].GetData()))
		default:
			require.Same(t, p, out[0])
		}
	})
}
