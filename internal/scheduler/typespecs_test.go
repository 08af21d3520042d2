package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypeSizeLimits(t *testing.T) {
	const least, greatest = "provisioning:min_vol_size", "provisioning:max_vol_size"
	for name, tc := range map[string]struct {
		specs    map[string]string
		min, max int64
		err      string
	}{
		"none":         {nil, 0, 0, ""},
		"others":       {map[string]string{"provisioning:type": "thin"}, 0, 0, ""},
		"both":         {map[string]string{least: "5", greatest: " 10 "}, 5, 10, ""},
		"equal":        {map[string]string{least: "5", greatest: "5"}, 5, 5, ""},
		"min":          {map[string]string{least: "5"}, 5, 0, ""},
		"max":          {map[string]string{greatest: "5"}, 0, 5, ""},
		"turned round": {map[string]string{least: "6", greatest: "5"}, 0, 0, "extra spec provisioning:min_vol_size (6) is above provisioning:max_vol_size (5)"},
		"no number":    {map[string]string{least: "x"}, 0, 0, `provisioning:min_vol_size must be a whole number of GiB, 0 or more: "x"`},
		"empty":        {map[string]string{greatest: ""}, 0, 0, "must be a whole number"},
		"fraction":     {map[string]string{greatest: "1.5"}, 0, 0, "must be a whole number"},
		"negative":     {map[string]string{greatest: "-1"}, 0, 0, "must be a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			low, high, err := TypeSizeLimits(tc.specs)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, [2]int64{tc.min, tc.max}, [2]int64{low, high})
		})
	}
}
