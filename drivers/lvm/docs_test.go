package lvm_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/tests/rig"
)

// The manual's commands, from bare disks on, are those that work.
func TestInsideThinManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/backends/lvm.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 3, "set-up, a pool by hand, more space")
	disks := strings.NewReplacer("/dev/sdb", rig.InsideDisks()[0], "/dev/sdc", rig.InsideDisks()[1])
	t.Cleanup(func() {
		exec.Command("vgremove", "-f", "-y", group).Run()
		for _, d := range rig.InsideDisks() {
			exec.Command("pvremove", "-f", "-y", d).Run()
		}
	})
	follow := func(block string) {
		for line := range strings.Lines(disks.Replace(block)) {
			if words := strings.Fields(line); words[0] != "apt-get" { // the rig has the packages
				run(t, words...)
			}
		}
	}
	follow(blocks[0][1])
	follow(blocks[1][1])
	d := open(t, config(t, thin))
	before, err := d.Stats(t.Context())
	require.NoError(t, err)
	_, err = d.CreateVolume(t.Context(), drivertest.NewVolume(1<<30))
	require.NoError(t, err)
	follow(blocks[2][1])
	after, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.InDelta(t, before[0].Total.GiB+10, after[0].Total.GiB, 0.1)
	require.Greater(t, after[0].Extra["vg_metadata_free_percent"], 99.0)
}
