package files

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestID(t *testing.T) {
	const id = "0d5ac3a2-1b7e-4c21-9f57-1d2e3f405162"
	for name, want := range map[string]string{
		"volume-" + id:                         id,
		id:                                     id,
		"a" + id + ".img":                      id,
		"." + id:                               "",
		".volume-" + id + ".part":              "",
		"volume-1":                             "",
		"volume-" + id[:35]:                    "",
		"volume-" + id[:35] + "g":              "",
		"0d5ac3a2_1b7e_4c21_9f57_1d2e3f405162": "",
		"":                                     "",
	} {
		require.Equal(t, want, ID(name), name)
	}
	for _, file := range []string{"volume-" + id, ".volume-" + id + "@snapshot"} {
		of, ok := OfPart(PartName(file))
		require.True(t, ok)
		require.Equal(t, id, of)
	}
	for _, file := range []string{"volume-" + id, ".volume-1.part", "volume-" + id + ".part", ".clinker-backend"} {
		_, ok := OfPart(file)
		require.False(t, ok, file)
	}
}
