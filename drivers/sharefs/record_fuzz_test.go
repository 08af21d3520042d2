package sharefs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

func FuzzParseRecord(f *testing.F) {
	const volume = "volume-0d5ac3a2-1b7e-4c21-9f57-1d2e3f405162"
	f.Add(`{"active":"` + volume + `","clinker.format":"raw","clinker.size":"1"}`)
	f.Add(`{"active":"../x","1d5ac3a2-1b7e-4c21-9f57-1d2e3f405162":"` + volume + `"}`)
	f.Add(`{"active":"` + volume + `","1d5ac3a2-1b7e-4c21-9f57-1d2e3f405162":"` + volume + `","clinker.strangers":"1d5ac3a2-1b7e-4c21-9f57-1d2e3f405162 x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord(volume, []byte(text))
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			return
		}
		for _, name := range r.snapshots {
			require.True(t, ownFile(volume, name))
		}
		require.NotContains(t, r.active, "/")
		out, err := r.marshal()
		require.NoError(t, err)
		again, err := parseRecord(volume, out)
		require.NoError(t, err)
		require.Equal(t, r.active, again.active)
		require.Equal(t, r.snapshots, again.snapshots)
		require.ElementsMatch(t, r.strangers, again.strangers)
	})
}
