package mounts

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMountinfo(t *testing.T) {
	all := parseMounts([]byte("36 35 98:0 /a /mnt\\040one rw,noatime shared:1 master:2 - fuse.glusterfs 127.0.0.1:/vol1 rw\nshort\n48 27 0:39 / /b rw - nfs4 h:/x rw\n"))
	require.Equal(t, []Mount{
		{ID: 36, Dev: "98:0", Point: "/mnt one", FSType: "fuse.glusterfs", Source: "127.0.0.1:/vol1"},
		{ID: 48, Dev: "0:39", Point: "/b", FSType: "nfs4", Source: "h:/x"},
	}, all)
	require.True(t, all[0].Is(GlusterFS(), "127.0.0.1:/vol1"))
	require.False(t, all[0].Is(GlusterFS(), "127.0.0.1:/vol2"))
	require.False(t, all[0].Is(NFS(), "127.0.0.1:/vol1"))
	require.True(t, samePlace("127.0.0.1:vol1", "127.0.0.1:/vol1"))
}
