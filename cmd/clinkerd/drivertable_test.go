package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

var update = flag.Bool("update", false, "write the table of docs/drivers.md anew")

// tableRows are the ways to configure a driver that differ in what it can do.
var tableRows = []struct {
	driver  string
	options map[string]string
}{
	{"lvm", map[string]string{"lvm_type": "thin"}},
	{"lvm", map[string]string{"lvm_type": "default"}},
	{"glusterfs", nil},
	{"glusterfs", map[string]string{"nas_volume_prov_type": "thick"}},
	{"nfs", nil},
	{"nfs", map[string]string{"nfs_snapshot_support": "false"}},
	{"dir", nil},
}

// TestDriverTable holds the table of docs/drivers.md to the drivers: of each one that this binary has, what its Capabilities say
// and which of the rarer interfaces it has.
func TestDriverTable(t *testing.T) {
	const path = "../../docs/drivers.md"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), "<!-- capabilities -->\n")
	require.True(t, found)
	_, after, found := strings.Cut(rest, "<!-- /capabilities -->")
	require.True(t, found)
	want := before + "<!-- capabilities -->\n" + driverTable(t) + "<!-- /capabilities -->" + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	require.Equal(t, want, string(text), "go test ./cmd/clinkerd -run TestDriverTable -update writes it anew")
}

func driverTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| driver | protocol | thin | thick | snapshots | clone | revert | adopt | adopt snapshots | extend in use | multiattach | changed extents |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	rows := map[string]bool{}
	for _, row := range tableRows {
		rows[row.driver] = true
		d, err := backendDrivers().Open(t.Context(), row.driver, drivers.Config{
			Backend: "b", Host: "h", CloudID: "c", StateDir: t.TempDir(), Options: row.options, Provisioning: row.options["nas_volume_prov_type"],
		})
		require.NoError(t, err)
		c := d.Capabilities()
		require.Equal(t, row.driver, c.Driver)
		_, adopter := d.(drivers.SnapshotAdopter)
		name := c.Driver
		for option, value := range row.options {
			name = fmt.Sprintf("%s, `%s = %s`", name, option, value)
		}
		fmt.Fprintf(&b, "| %s | %s |", name, c.Protocol)
		for _, yes := range []bool{
			c.Thin, c.Thick, c.Snapshot, c.Clone, c.Revert, c.Adopt, adopter && c.Snapshot, c.OnlineExtend, c.Multiattach, c.Diff,
		} {
			fmt.Fprintf(&b, " %s |", map[bool]string{true: "yes", false: "–"}[yes])
		}
		b.WriteString("\n")
		require.NoError(t, d.Close())
	}
	for name := range backendDrivers() {
		require.True(t, rows[name], "driver %s has no row", name)
	}
	return b.String()
}
