package lio

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// kernel is a folder that behaves as LIO's configfs does where the order of steps matters, and writes down what changes it.
type kernel struct {
	folder
	steps []string
	fail  map[string]error // by step
	times int              // after how many failures fail is over; 0 is never
}

func newKernel(t *testing.T) *kernel {
	k := &kernel{folder: folder(t.TempDir()), fail: map[string]error{}}
	require.NoError(t, os.Mkdir(k.at("core"), 0o755))
	return k
}

func (k *kernel) step(words ...string) error {
	step := strings.Join(words, " ")
	k.steps = append(k.steps, step)
	for part, err := range k.fail {
		if strings.Contains(step, part) {
			if k.times > 0 {
				if k.times--; k.times == 0 {
					clear(k.fail)
				}
			}
			return &fs.PathError{Op: words[0], Path: "/secret/path", Err: err}
		}
	}
	return nil
}

// attributes are the files that come with an object.
func attributes(path string) []string {
	switch parts := strings.Split(path, "/"); {
	case strings.HasPrefix(path, "core/") && len(parts) == 3:
		return []string{"control", "enable=0", "udev_path", "wwn/vpd_unit_serial", "attrib/emulate_tpu=0", "attrib/emulate_tpws=0"}
	case parts[len(parts)-1] == "tpgt_1":
		return []string{
			"enable=0", "lun/", "np/", "acls/", "attrib/authentication=1", "attrib/generate_node_acls=1", "attrib/cache_dynamic_acls=0",
			"attrib/demo_mode_write_protect=1", "attrib/demo_mode_discovery=1", "attrib/prod_mode_write_protect=0",
		}
	case len(parts) == 5 && parts[3] == "acls":
		return []string{"info=No active iSCSI Session for Initiator Endpoint: x", "auth/userid", "auth/password"}
	}
	return nil
}

func (k *kernel) Mkdir(path string) error {
	if there, _ := k.Exists(path); there {
		return nil
	}
	if err := k.step("mkdir", path); err != nil {
		return err
	}
	if err := k.folder.Mkdir(path); err != nil {
		return err
	}
	for _, a := range attributes(path) {
		name, value, _ := strings.Cut(a, "=")
		at := filepath.Join(k.at(path), name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(at, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Remove takes attributes along, and refuses as the kernel does: an object with objects in it, a disk that a LUN links to.
func (k *kernel) Remove(path string) error {
	if there, _ := k.Exists(path); !there {
		return nil
	}
	if err := k.step("remove", path); err != nil {
		return err
	}
	if info, err := os.Lstat(k.at(path)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return os.Remove(k.at(path))
	}
	if strings.HasPrefix(path, "core/") {
		links, _ := filepath.Glob(k.at("iscsi/*/tpgt_1/lun/lun_*/*"))
		for _, l := range links {
			if to, _ := filepath.EvalSymlinks(l); strings.HasSuffix(to, path) {
				return syscall.EBUSY
			}
		}
	}
	for _, child := range []string{"/acls", "/lun", "/np", "/tpgt_1", ""} {
		entries, _ := os.ReadDir(k.at(path + child))
		for _, e := range entries {
			inner := e.IsDir() && child == "" && (e.Name() == "tpgt_1" || strings.HasPrefix(e.Name(), "lun_"))
			if e.Type() == fs.ModeSymlink || inner || e.IsDir() && child != "" && child != "/tpgt_1" {
				return syscall.ENOTEMPTY
			}
		}
	}
	return os.RemoveAll(k.at(path))
}

func (k *kernel) Link(to, path string) error {
	if err := k.step("link", path); err != nil {
		return err
	}
	if strings.HasPrefix(to, "core/") {
		if enabled, _ := k.folder.Read(to + "/enable"); enabled != "1" {
			return syscall.EINVAL
		}
	}
	return k.folder.Link(to, path)
}

func (k *kernel) Write(path, value string) error {
	shown := value
	if strings.HasSuffix(path, "password") {
		shown = "***"
	}
	if err := k.step("write", path, shown); err != nil {
		return err
	}
	if strings.HasSuffix(path, "vpd_unit_serial") {
		if enabled, _ := k.folder.Read(filepath.Dir(filepath.Dir(path)) + "/enable"); enabled == "1" {
			return syscall.EINVAL
		}
		value = "T10 VPD Unit Serial Number: " + value
	}
	if err := os.Truncate(k.at(path), 0); err != nil {
		return err
	}
	return k.folder.Write(path, value)
}

func (k *kernel) Chmod(path string, mode fs.FileMode) error {
	if err := k.step("chmod", path, mode.String()); err != nil {
		return err
	}
	return k.folder.Chmod(path, mode)
}
