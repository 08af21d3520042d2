package backups

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever stands in a manifest whose hash is right, it is refused as damaged or its numbers can be counted with.
func FuzzManifest(f *testing.F) {
	whole, err := json.Marshal(Manifest{
		BackupID: "b", Chain: []string{"a", "b"}, Size: 1 << 30, BlockSize: 64 << 10, RegionBlocks: 128, Hash: "sha256",
		Attempts: []Attempt{{Name: "x", Packs: 2}}, Index: Ref{Hash: "00", Length: 1},
	})
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(`{"backup_id":"b","chain":["../b","b"]}`))
	f.Add([]byte(`{"backup_id":"b","chain":["b"],"size":9223372036854775807,"block_size":-65536,"region_blocks":1e3}`))
	f.Add([]byte(`{"backup_id":"b","chain":["b","b"],"size":1,"block_size":4096,"region_blocks":1,"hash":"sha256"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseManifest("b", seal(magic, body))
		if err != nil {
			require.True(t, errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion), "%v", err)
			return
		}
		l := m.layout()
		require.Positive(t, l.block*l.region)
		if _, err := m.index(); err != nil {
			require.ErrorIs(t, err, ErrDamaged)
		}
		require.NotEqual(t, m.Parent(), m.BackupID, "a backup can't stand on itself")
	})
}

// Whatever an object begins with, it is opened only when its hash is right.
func FuzzUnseal(f *testing.F) {
	f.Add(seal(magic, []byte("{}\n")))
	f.Add([]byte("clinker-backup 1 00\n{}"))
	f.Add([]byte("clinker-backup 99999999999999999999 \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := unseal("k", magic, b)
		if err != nil {
			require.True(t, errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion), "%v", err)
			return
		}
		again, err := unseal("k", magic, seal(magic, body))
		require.NoError(t, err)
		require.Equal(t, body, again)
	})
}

// Whatever a table holds, an entry is read as it was written.
func FuzzEntries(f *testing.F) {
	f.Add(make([]byte, 2*entrySize), uint16(2))
	f.Add([]byte("short"), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, want uint16) {
		entries, err := parseEntries(b, int(want))
		if err != nil {
			return
		}
		again, err := parseEntries(appendEntries(nil, entries), int(want))
		require.NoError(t, err)
		require.Equal(t, entries, again)
	})
}
