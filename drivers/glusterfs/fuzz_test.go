package glusterfs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever the client's graph shows, looking at it ends, and says nothing or a sentence.
func FuzzReplica(f *testing.F) {
	f.Add("child_count = 2\nchild_up[0] = 1\nchild_up[1] = 0\nquorum-type = none\n", "")
	f.Add("child_count=3\nquorum-type=auto", "1")
	f.Add("child_count = 9223372036854775807\nchild_up[x = 0", "0")
	f.Fuzz(func(t *testing.T, private, arbiters string) {
		require.LessOrEqual(t, len(replica(private, arbiters)), 1000)
	})
}
