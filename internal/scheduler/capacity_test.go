package scheduler

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCapacityText(t *testing.T) {
	for text, want := range map[string]Capacity{
		"": Missing, "  ": Missing, "12.5": GiB(12.5), " 7 ": GiB(7), "0": GiB(0),
		"infinite": Infinite, "Infinite": Infinite, "unknown": Unknown, "inf": Infinite,
	} {
		got, err := ParseCapacity(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseCapacity(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, text := range []string{"much", "1 GiB", "NaN", "12,5"} {
		_, err := ParseCapacity(text)
		require.ErrorContains(t, err, "neither a number", text)
	}
}

func TestCapacityJSON(t *testing.T) {
	in := map[string]Capacity{"a": GiB(1.5), "b": Infinite, "c": Unknown, "d": Missing}
	data, err := json.Marshal(in)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":1.5,"b":"infinite","c":"unknown","d":null}`, string(data))
	var out map[string]Capacity
	require.NoError(t, json.Unmarshal(data, &out))
	require.Equal(t, in, out)

	var c Capacity
	require.NoError(t, json.Unmarshal([]byte(`"3"`), &c))
	require.Equal(t, GiB(3), c)
	require.Error(t, json.Unmarshal([]byte(`true`), &c))
	require.Error(t, json.Unmarshal([]byte(`"lots"`), &c))
}

func TestCapacityOfNoNumber(t *testing.T) {
	require.True(t, GiB(math.NaN()).IsMissing())
	require.Equal(t, Infinite, GiB(math.Inf(1)))
	require.True(t, Unknown.Unbounded())
	_, ok := Unknown.Number()
	require.False(t, ok)
}
