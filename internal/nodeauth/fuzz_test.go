package nodeauth

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
)

// Whatever is in the file, nobody is named by it but as a caller can be.
func FuzzTokens(f *testing.F) {
	hash := strings.Repeat("0a", 32)
	for _, text := range []string{"key " + hash + "\n" + hash + " control\n" + hash + " node/a,b\n", "key " + hash, hash + " control", "key \n", "", "key " + hash + "\nkey " + hash, "key " + hash + "\n" + hash + " node/a\rcontrol"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parse(text)
		if err != nil {
			return
		}
		require.Len(t, e.key, 32)
		for _, l := range e.lines {
			c, err := Named(l.name)
			require.NoError(t, err)
			require.Equal(t, l.name, c.String())
			require.Len(t, l.hash, 64)
		}
	})
}

// Whatever a node sends as the token of a task, it is let through only if it was marked for that node.
func FuzzMarked(f *testing.F) {
	m, node := Marks{key: []byte("k")}, Node("a")
	good := m.Mark(node, []byte{0x0a, 1, 'x'})
	f.Add(good, "data/a")
	f.Add(good[3:], "data/b")
	f.Add([]byte{}, "")
	f.Add(bytes.Repeat([]byte{0}, 50), "storage/a@lvm")
	f.Fuzz(func(t *testing.T, token []byte, queue string) {
		if m.Allow(node, service+"RespondActivityTaskCompleted", &workflowservice.RespondActivityTaskCompletedRequest{TaskToken: token}) {
			require.Equal(t, good, token, "a mark that nobody made")
		}
		require.False(t, m.Allow(Node("b"), service+"RecordActivityTaskHeartbeat", &workflowservice.RecordActivityTaskHeartbeatRequest{TaskToken: token}))
		if node.serves(queue) {
			require.Contains(t, queue, "/a")
		}
		require.False(t, m.Allow(node, service+queue, nil))
	})
}
