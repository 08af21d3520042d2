package rig_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

const iqn = "iqn.2004-10.org.test:disk"

func export(t *testing.T, s *rig.TgtServer) {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(disk, make([]byte, 1<<20), 0o600))
	s.Adm("--lld", "iscsi", "--mode", "target", "--op", "new", "--tid", "1", "--targetname", iqn)
	s.Adm("--lld", "iscsi", "--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b", disk)
	s.Adm("--lld", "iscsi", "--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL")
}

func TestTgt(t *testing.T) {
	s := rig.Tgt(t)
	other := rig.Tgt(t)
	export(t, s)
	out, err := exec.Command("qemu-img", "info", "-f", "raw", "iscsi://"+s.Portal+"/"+iqn+"/1").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "1 MiB")
	require.NotContains(t, other.Adm("--lld", "iscsi", "--mode", "target", "--op", "show"), iqn)
	s.Kill()
	_, err = exec.Command("qemu-img", "info", "-f", "raw", "iscsi://"+s.Portal+"/"+iqn+"/1").CombinedOutput()
	require.Error(t, err)
	s.Start()
	require.NotContains(t, s.Adm("--lld", "iscsi", "--mode", "target", "--op", "show"), iqn, "it remembers nothing")
}

func TestServersForNodes(t *testing.T) {
	n := rig.StorageNode(t)

	disk := rig.TgtForNodes(t)
	export(t, disk)
	found := n.Run("iscsiadm", "-m", "discovery", "-t", "sendtargets", "-p", disk.Portal)
	require.Contains(t, found, iqn)
	n.Run("iscsiadm", "-m", "node", "-T", iqn, "-p", disk.Portal, "--login")
	require.Contains(t, n.Run("cat", "/proc/partitions"), "1024 sda")
	n.Run("iscsiadm", "-m", "node", "-T", iqn, "-p", disk.Portal, "--logout")

	files := rig.NFS(t, 400<<20)
	for _, version := range []string{"4.2", "4.1", "4.0"} {
		n.Run("mount", "-t", "nfs", "-o", "vers="+version, files.Share, "/mnt")
		n.Run("sh", "-c", "echo from the node >/mnt/file-"+version)
		text, err := os.ReadFile(filepath.Join(files.Path, "file-"+version))
		require.NoError(t, err)
		require.Equal(t, "from the node\n", string(text))
		n.Run("umount", "/mnt")
	}
	files.Kill()
	files.Start()
	n.Run("mount", "-t", "nfs", files.Share, "/mnt")
	require.Contains(t, n.Run("ls", "/mnt"), "file-4.2")
}
