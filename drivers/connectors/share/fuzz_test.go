package share

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/mounts"
)

// Whatever a connection says, the file is in its share, the note in the state folder, and no word of it is an option of mount.
func FuzzConnection(f *testing.F) {
	f.Add([]byte(`{"volume_id":"00112233-4455-6677-8899-aabbccddeeff","name":"volume-1","format":"qcow2","export":"192.0.2.1:/v","options":"-o backup-volfile-servers=b"}`))
	f.Add([]byte(`{"volume_id":"..","name":"a/../../b","format":"raw","export":"-o:/v","options":"-o --bind"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var data map[string]any
		if json.Unmarshal(text, &data) != nil {
			return
		}
		c, err := New(Options{Kind: mounts.GlusterFS(), StateDir: "/state"})
		require.NoError(t, err)
		v, err := c.parse(connectors.ConnectionInfo{DriverVolumeType: c.o.Kind.Name, Data: data})
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrInvalid)
			return
		}
		require.Equal(t, v.place.Point, filepath.Dir(v.path()))
		require.Equal(t, v.dir, filepath.Dir(v.ref()))
		for _, word := range []string{v.place.Address, v.place.Options} {
			require.False(t, strings.HasPrefix(word, "-") || strings.ContainsAny(word, " \n\x00"), "%q", word)
		}
	})
}
