package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var sample = NewTable(
	[]Column{{Title: "Name", Key: "name"}, {Title: "Size", Key: "size"}, {Title: "Properties", Key: "metadata", Long: true}},
	[]Object{
		{"name": "b", "size": json.Number("9"), "metadata": Object{"k": "<v>"}},
		{"name": "a", "size": json.Number("10"), "metadata": Object{}},
	},
)

func TestPrinterList(t *testing.T) {
	tests := map[string]struct {
		printer Printer
		want    string
	}{
		"table": {Printer{Format: FormatTable}, `
+------+------+
| Name | Size |
+------+------+
| b    | 9    |
| a    | 10   |
+------+------+
`},
		"json keeps types and order": {Printer{Format: FormatJSON, Columns: []string{"size", "Name"}}, `
[
  {
    "Size": 9,
    "Name": "b"
  },
  {
    "Size": 10,
    "Name": "a"
  }
]
`},
		"yaml": {Printer{Format: FormatYAML, Long: true}, `
- Name: b
  Size: 9
  Properties:
    k: <v>
- Name: a
  Size: 10
  Properties: {}
`},
		"value":                    {Printer{Format: FormatValue, Long: true}, "\nb 9 k='<v>'\na 10 \n"},
		"a long column by its key": {Printer{Format: FormatValue, Columns: []string{"metadata"}}, "\nk='<v>'\n\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			tt.printer.Out = &out
			require.NoError(t, tt.printer.List(sample))
			require.Equal(t, strings.TrimPrefix(tt.want, "\n"), out.String())
		})
	}
}

func TestPrinterShow(t *testing.T) {
	record := NewRecord(Object{"name": "a\x1b[31m\nb", "links": []any{}, "metadata": Object{"k": "<v>"}},
		map[string]string{"metadata": "properties"})
	var out strings.Builder
	require.NoError(t, Printer{Out: &out, Format: FormatTable}.Show(record))
	require.Equal(t, `+------------+----------+
| Field      | Value    |
+------------+----------+
| name       | a?[31m b |
| properties | k='<v>'  |
+------------+----------+
`, out.String(), "no control character of a name reaches the terminal")

	out.Reset()
	require.NoError(t, Printer{Out: &out, Format: FormatJSON, Columns: []string{"Properties"}}.Show(record))
	require.JSONEq(t, `{"properties":{"k":"<v>"}}`, out.String())
	require.Contains(t, out.String(), "<v>", "not escaped for HTML")

	err := Printer{Out: &out, Format: FormatTable, Columns: []string{"colour"}}.Show(record)
	require.EqualError(t, err, `there is no field "colour"; there are name, properties`)
	require.Equal(t, Usage, ExitCode(err))
}

func TestSortBy(t *testing.T) {
	order := func(spec string) []string {
		sorted := NewTable(sample.Columns, []Object{{"name": "b", "size": json.Number("9")}, {"name": "a", "size": json.Number("10")}})
		require.NoError(t, sorted.SortBy(spec))
		return []string{Text(sorted.Rows[0][0]), Text(sorted.Rows[1][0])}
	}
	require.Equal(t, []string{"b", "a"}, order(""))
	require.Equal(t, []string{"a", "b"}, order("name"))
	require.Equal(t, []string{"b", "a"}, order("Name:desc"))
	require.Equal(t, []string{"b", "a"}, order("size:asc"), "numbers, not text")
	require.EqualError(t, sample.SortBy("name:up"), `sort direction "up" is not known; use asc or desc`)
	require.Error(t, sample.SortBy("colour"))
}

func TestText(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{nil, ""},
		{true, "true"},
		{json.Number("2147483647"), "2147483647"},
		{[]any{"a", json.Number("1")}, "a, 1"},
		{[]string{"a", "b"}, "a, b"},
		{Object{"b": "2", "a": nil}, "a='', b='2'"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, Text(tt.value))
	}
}

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 ms": 0, "3 ms": 3400 * time.Microsecond, "1.2 s": 1240 * time.Millisecond, "2m5s": 125*time.Second + 300*time.Millisecond,
	} {
		require.Equal(t, want, duration(d))
	}
}

func TestAttachedTo(t *testing.T) {
	volume := Object{"attachments": []any{
		Object{"server_id": "s1", "device": "/dev/vdb"}, Object{"server_id": nil, "host_name": "h1"},
	}}
	require.Equal(t, "s1 on /dev/vdb, h1", Text(attachedTo(volume)))
	require.Empty(t, Text(attachedTo(Object{})))
}

func TestQuotas(t *testing.T) {
	five := int64(5)
	limits := map[string]*int64{"gigabytes": &five, "backups": &five}
	given := func(flags ...string) func(string) bool {
		return func(flag string) bool { return strings.Contains(strings.Join(flags, " "), flag) }
	}
	q, err := NewQuotas(given("gigabytes"), limits, "gold")
	require.NoError(t, err)
	require.Equal(t, Quotas{"gigabytes_gold": 5}, q)
	_, err = NewQuotas(given("backups"), limits, "gold")
	require.EqualError(t, err, "--backups is not kept by volume type; volumes, gigabytes and snapshots are")
	_, err = NewQuotas(given(), limits, "")
	require.Equal(t, Usage, ExitCode(err))
}

func TestDictionary(t *testing.T) {
	require.Equal(t, `{'a': 'it\'s \\', 'b': ''}`, dictionary(map[string]string{"b": "", "a": `it's \`}))
}

func TestSortKeys(t *testing.T) {
	for spec, want := range map[string]string{"": "", "Name": "name:asc", "Created At:desc,size": "created_at:desc,size:asc"} {
		require.Equal(t, want, sortKeys(spec))
	}
}
