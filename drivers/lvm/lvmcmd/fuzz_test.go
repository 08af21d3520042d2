package lvmcmd

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever LVM prints, sizes are never negative and an LV's name is never shown with its brackets.
func FuzzReport(f *testing.F) {
	for _, name := range []string{"report-2.03.16.json", "report-empty-2.03.16.json", "pvs-duplicate-2.03.16.json"} {
		text, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"report":[{"vg":[{"vg_size":"-1","vg_tags":"a=b,,c"}],"lv":[{"lv_name":"[x]","lv_size":"99999999999999999999"}],"seg":null}]}`))
	f.Add([]byte(`{"report":[null,{"vg":[null]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		rep, ok, err := parse(text)
		if err != nil || !ok {
			require.Empty(t, rep, "half a report is no answer")
			return
		}
		require.GreaterOrEqual(t, min(rep.VG.Size, rep.VG.Free, rep.VG.Extent, rep.VG.MetadataSize, rep.VG.MetadataFree), int64(0))
		for _, lv := range rep.LVs {
			require.GreaterOrEqual(t, min(lv.Size, lv.Chunk, lv.MetadataSize), int64(0))
			require.Equal(t, lv.Name, strings.Trim(lv.Name, "[]"))
		}
	})
}

// Whatever thin_delta prints, the ranges are whole, in order and within what a disk can be: what lies between them is not copied.
func FuzzDelta(f *testing.F) {
	text, err := os.ReadFile("testdata/thin_delta-0.9.0.xml")
	require.NoError(f, err)
	f.Add(string(text))
	f.Add(`<superblock data_block_size="128"><diff><different begin="1" length="2"/><right_only begin="9223372036854775807" length="9223372036854775807"/></diff></superblock>`)
	f.Add(`<superblock data_block_size="9223372036854775807"><diff><different begin="2" length="2"/></diff></superblock>`)
	f.Add(`<superblock data_block_size="1"><diff><different begin="-1" length="-2"/></diff></superblock>`)
	f.Fuzz(func(t *testing.T, text string) {
		ranges, err := parseDelta(strings.NewReader(text), "different", "left_only", "right_only")
		if err != nil {
			require.Empty(t, ranges)
			return
		}
		end := int64(0)
		for _, r := range ranges {
			require.GreaterOrEqual(t, r.Offset, end)
			require.Positive(t, r.Length)
			end = r.Offset + r.Length
			require.Positive(t, end)
		}
	})
}
