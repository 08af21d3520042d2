package rig_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestInsideIsReal(t *testing.T) {
	require.True(t, rig.Inside())
	require.Zero(t, os.Geteuid())
	require.DirExists(t, "/sys/kernel/config/target/core")
	require.NotEmpty(t, rig.InsideDisks())
	require.Equal(t, "told", os.Getenv("CLINKER_RIG_TEST"))
	_, err := os.Stat("inside_test.go")
	require.NoError(t, err, "tests run in their package's folder")
	t.Run("LVM", func(t *testing.T) {
		for _, args := range [][]string{
			{"vgcreate", "-q", "vg", rig.InsideDisks()[0]},
			{"lvcreate", "-q", "--type", "thin-pool", "-L", "100M", "-n", "pool", "vg"},
			{"lvcreate", "-q", "-T", "-V", "1G", "-n", "thin", "vg/pool"},
			{"vgremove", "-f", "vg"},
		} {
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			require.NoError(t, err, "%s: %s", strings.Join(args, " "), out)
		}
	})
}
