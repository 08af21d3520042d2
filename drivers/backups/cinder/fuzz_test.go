package cinder

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups/mem"
)

// Whatever a metadata object of Cinder's says, no chunk of it lies outside of the volume.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"version":"1.0.0","backup_id":"b","objects":[{"p-1":{"offset":0,"length":4096,"compression":"none","md5":"x"}}],"volume_meta":"{}"}`))
	f.Add([]byte(`{"version":"1.0.0","backup_id":"b","objects":[{"p-1":{"offset":9223372036854775807,"length":9223372036854775807}}]}`))
	f.Add([]byte(`{"version":"1.0.0","backup_id":"b","objects":[null,{"../p-1":{}}],"volume_meta":"[]"}`))
	record := Record{ID: "b", Size: 2, ServiceMetadata: "p"}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := mem.New()
		require.NoError(t, s.Put(t.Context(), "p_metadata", text))
		require.NoError(t, s.Put(t.Context(), "p-1", make([]byte, 4096)))
		b, err := Open(t.Context(), s, record, false)
		if err != nil {
			return
		}
		for _, c := range b.chunks {
			require.GreaterOrEqual(t, c.Offset, int64(0))
			require.Positive(t, c.Length)
			require.LessOrEqual(t, c.Length, record.Size<<30-c.Offset)
		}
	})
}
