package glusterfs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/tests/rig"
)

// manual is docs/backends/glusterfs.md.
func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/backends/glusterfs.md")
	require.NoError(t, err)
	return string(text)
}

// blocks are the manual's in a language, "" for those of none.
func blocks(text, language string) (all []string) {
	for _, b := range regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if b[1] == language {
			all = append(all, b[2])
		}
	}
	return all
}

// TestManual: the manual's commands, from bare disks on, are those that work. Packages and daemons are the rig's; those with clinkerd and
// cinder are run by the end-to-end test of the tutorial.
func TestManual(t *testing.T) {
	t.Parallel()
	g := rig.Gluster(t, rig.Arbiter(), rig.Bare())
	sh := blocks(manual(t), "sh")
	require.Len(t, sh, 5, "the servers, the cluster, the client, the backend, an arbiter")
	for i := range g.Hosts {
		require.NoError(t, os.WriteFile(filepath.Join(g.Folder(i), "sdb"), nil, 0o600))
		require.NoError(t, os.Truncate(filepath.Join(g.Folder(i), "sdb"), 2<<30))
		require.NoError(t, os.MkdirAll(filepath.Join(g.Folder(i), "wd", "groups"), 0o755)) // the package's are in its own folder
		g.RunAt(i, "cp", "/var/lib/glusterd/groups/virt", filepath.Join(g.Folder(i), "wd", "groups"))
	}
	// follow runs a block at a server, whose disk, folder and name are those of the rig.
	follow := func(i int, block, volume string) {
		t.Helper()
		var names []string
		for n, host := range g.Hosts {
			server := fmt.Sprint("server", n+1)
			names = append(names, server+":/bricks/vol1", host+":"+filepath.Join(g.Folder(n), "bricks", volume), server, host)
		}
		names = append(names, "/dev/sdb", filepath.Join(g.Folder(i), "sdb"), "/bricks/vol1", filepath.Join(g.Folder(i), "bricks", volume),
			"/etc/fstab", filepath.Join(g.Folder(i), "fstab"), "vol1", volume)
		for line := range strings.Lines(strings.NewReplacer(names...).Replace(block)) {
			switch words := strings.Fields(line); words[0] {
			case "apt-get", "systemctl":
			case "gluster":
				g.RunAt(i, words...)
			default:
				g.RunAt(i, "sh", "-ec", line)
			}
		}
	}
	for i := range g.Hosts {
		follow(i, sh[0], "vol1")
		fstab, err := os.ReadFile(filepath.Join(g.Folder(i), "fstab"))
		require.NoError(t, err)
		require.Contains(t, string(fstab), filepath.Join(g.Folder(i), "sdb")+" "+filepath.Join(g.Folder(i), "bricks", "vol1")+" xfs")
	}
	follow(0, sh[1], "vol1")

	shares := blocks(manual(t), "")
	require.NotEmpty(t, shares)
	var hosts []string
	for n, host := range g.Hosts {
		hosts = append(hosts, fmt.Sprint("server", n+1), host)
	}
	lines := strings.NewReplacer(hosts...).Replace(shares[0])
	cfg := config(t, lines, nil)
	require.Empty(t, warned(t, cfg), "what the manual makes is safe")
	d := newDriver(t, cfg)
	v := create(t, d, 2*mib)
	require.NoError(t, d.DeleteVolume(t.Context(), v))
	share, err := sharefs.ParseShares(strings.NewReader(lines), "shares.conf", false)
	require.NoError(t, err)
	require.Len(t, share, 1)
	at := point(cfg, share[0].Address)
	grant := regexp.MustCompile("`(chgrp kvm MOUNT [^`]*)`").FindStringSubmatch(manual(t))
	require.NotNil(t, grant)
	out, err := exec.Command("sh", "-ec", strings.ReplaceAll(grant[1], "MOUNT", at)).CombinedOutput()
	require.NoError(t, err, string(out))
	src, err := d.Source(t.Context(), create(t, d, mib))
	require.NoError(t, err)
	var root, file unix.Stat_t
	require.NoError(t, unix.Stat(at, &root))
	require.NoError(t, unix.Stat(src.Path, &file))
	require.NotZero(t, root.Gid)
	require.Equal(t, root.Gid, file.Gid)

	// Two copies become three, in use.
	brick := func(i int) string { return g.Hosts[i] + ":" + filepath.Join(g.Folder(i), "bricks", "vol1", "two") }
	g.CLI("volume", "create", "two", "replica", "2", brick(0), brick(1))
	g.CLI("volume", "start", "two")
	cfg = config(t, g.Hosts[0]+":/two", nil)
	require.Contains(t, warned(t, cfg), "replica 2 without an arbiter")
	v = create(t, newDriver(t, cfg), mib)
	g.RunAt(0, strings.Fields(strings.NewReplacer("server3:/bricks/vol1/brick", brick(2), "vol1", "two").Replace(sh[4]))...)
	cfg = config(t, g.Hosts[0]+":/two", nil) // mounted anew: the other mount's client may not have been told yet
	require.Empty(t, warned(t, cfg))
	_, err = newDriver(t, cfg).FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
}
