package nodeauth

import (
	"crypto/hmac"
	"crypto/sha256"

	"google.golang.org/protobuf/encoding/protowire"
)

// Marks tie the tokens of tasks to the node that was given the task. Temporal's tokens are made of ids, which a node that had an earlier step of the
// same flow knows: it could answer for another node. The mark is a field that Temporal's own message doesn't have, which it passes over.
type Marks struct{ key []byte }

// markField is far from any number that Temporal's token will have.
const markField = 530_000_000

// Mark returns the token of a task as the node gets it.
func (m Marks) Mark(c Caller, token []byte) []byte {
	if c.Control || len(token) == 0 {
		return token
	}
	out := protowire.AppendTag(append([]byte(nil), token...), markField, protowire.BytesType)
	return protowire.AppendBytes(out, m.sum(c, token))
}

func (m Marks) sum(c Caller, token []byte) []byte {
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(c.String()))
	h.Write([]byte{0})
	h.Write(token)
	return h.Sum(nil)
}

// marked tells whether the token was given to this caller.
func (m Marks) marked(c Caller, token []byte) bool {
	size := protowire.SizeTag(markField) + protowire.SizeBytes(sha256.Size)
	if len(token) <= size {
		return false
	}
	bare := token[:len(token)-size]
	return hmac.Equal(m.Mark(c, bare), token)
}
