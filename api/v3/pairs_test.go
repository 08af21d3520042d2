package v3

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/fault"
)

// Pairs are counted as JSON: that is how they travel, and there one character may take six bytes.
func TestPairsAreBoundedByTheirJSON(t *testing.T) {
	pairs := func(n int, value string) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprintf("k%03d", i)] = value
		}
		return m
	}
	for name, c := range map[string]struct {
		pairs map[string]string
		fits  bool
	}{
		"none":              {nil, true},
		"plain":             {pairs(maxPairs, strings.Repeat("x", 240)), true},
		"one too many":      {pairs(maxPairs+1, "x"), false},
		"too long":          {pairs(maxPairs, strings.Repeat("x", 255)), false},
		"that grow in JSON": {pairs(maxPairs, strings.Repeat("<", 50)), false},
		"fewer of those":    {pairs(maxPairs/2, strings.Repeat("<", 50)), true},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(c.pairs)
			require.NoError(t, err)
			metadata, specs := checkMetadataSize(c.pairs), checkSpecsSize(c.pairs)
			if c.fits {
				require.NoError(t, metadata)
				require.NoError(t, specs)
				require.LessOrEqual(t, len(b), maxPairBytes)
				return
			}
			require.Equal(t, 413, fault.From(metadata).Code)
			require.Equal(t, 400, fault.From(specs).Code)
		})
	}
}
