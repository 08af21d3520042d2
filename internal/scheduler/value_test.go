package scheduler

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	for want, v := range map[string]any{
		"a": "a", "True": true, "False": false, "5": 5.0, "0.5": 0.5, "7": int32(7), `["a",1]`: []any{"a", 1},
		`{"a":{"b":1}}`: map[string]any{"a": map[string]any{"b": 1}}, "null": nil, "12": json.Number("12"),
		"[NaN]": []float64{math.NaN()}, // no JSON for it
	} {
		require.Equal(t, want, text(v))
	}
}

func TestTruth(t *testing.T) {
	for _, v := range []any{true, "x", "false", 1, -0.5, []any{0}, []string{""}, map[string]any{"a": nil}, struct{}{}} {
		require.True(t, truth(v), "%#v", v)
	}
	for _, v := range []any{nil, false, "", 0, 0.0, []any{}, []string{}, map[string]any{}} {
		require.False(t, truth(v), "%#v", v)
	}
}

func TestBoolean(t *testing.T) {
	for _, v := range []any{true, "1", "t", "TRUE", " on ", "Y", "yes", 1, 1.0} {
		require.True(t, boolean(v), "%#v", v)
	}
	for _, v := range []any{false, "0", "f", "no", "off", "", "enabled", 2, nil, []any{true}} {
		require.False(t, boolean(v), "%#v", v)
	}
}

func TestOrderOf(t *testing.T) {
	for _, tc := range []struct {
		a, b  any
		order int
		ok    bool
	}{
		{1, 2.0, -1, true},
		{2, int64(2), 0, true},
		{"b", "a", 1, true},
		{false, true, -1, true},
		{true, true, 0, true},
		{1, "1", 0, false},
		{"1", 1, 0, false},
		{true, 1, 0, false},
		{1, true, 0, false},
		{nil, nil, 0, false},
		{[]any{}, []any{}, 0, false},
	} {
		order, ok := orderOf(tc.a, tc.b)
		require.Equal(t, tc.ok, ok, "%v %v", tc.a, tc.b)
		if ok {
			require.Equal(t, tc.order, order, "%v %v", tc.a, tc.b)
		}
	}
}

func TestClipKeepsCharactersWhole(t *testing.T) {
	require.Equal(t, "abc", clip("abc", 3))
	require.Equal(t, "ab...", clip("abc", 2))
	require.Equal(t, "a...", clip("aü", 2))
}

func TestGiBText(t *testing.T) {
	for want, n := range map[string]float64{"3 GiB": 3, "0.33 GiB": 1. / 3, "-1.5 GiB": -1.5, "1000000 GiB": 1e6} {
		require.Equal(t, want, gib(n))
	}
}
