package lio

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// Name is the helper's name in target_helper, as in Cinder.
const Name = "lioadm"

const (
	mounted       = "/sys/kernel/config/target"
	configfsMagic = 0x62656570 // fs/configfs/mount.c
)

// machine is the kernel.
type machine struct {
	tree tree
	log  *slog.Logger
	// loaded tells whether the kernel has its target code, whether or not configfs shows it.
	loaded func() bool
}

var (
	_ iscsi.Machine   = (*machine)(nil)
	_ targets.Factory = Factory
)

// Factory makes a target over the kernel's LIO.
func Factory(_ context.Context, cfg targets.Config) (targets.Target, error) {
	return iscsi.New(cfg, &machine{tree: folder(mounted), log: cfg.Log(), loaded: moduleLoaded})
}

func (m *machine) Abilities() targets.Abilities {
	return targets.Abilities{Helper: Name, Protocol: "iSCSI", Fences: true, OnlineResize: true, Multipath: true}
}

// LUN is 0, as Cinder's with LIO.
func (m *machine) LUN() int { return 0 }

func (m *machine) Close() error { return nil }

// Check makes the folders of the modules, which has the kernel load them.
func (m *machine) Check(ctx context.Context) error {
	if there, err := m.tree.Exists("."); err != nil || !there {
		return absent(err)
	}
	for _, dir := range []string{"iscsi", kinds[0].hba, kinds[1].hba} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.tree.Mkdir(dir); err != nil {
			return m.explain("load what "+dir+" needs", err)
		}
	}
	return nil
}

func moduleLoaded() bool {
	_, err := os.Stat("/sys/module/target_core_mod")
	return err == nil
}

// empty tells that the kernel has no target, so that nothing is exported. With the module there but its folder not, exports and
// sessions may be alive unseen (configfs was unmounted): that is an error, lest a fence be promised that isn't there.
func (m *machine) empty() (bool, error) {
	there, err := m.tree.Exists(".")
	if err != nil {
		return false, m.explain("look at the kernel's target", err)
	}
	if !there && m.loaded() {
		return false, absent(nil)
	}
	return !there, nil
}

// absent says why there is no tree.
func absent(err error) error {
	hint := "`modprobe target_core_mod iscsi_target_mod` on the node, and name both in /etc/modules-load.d"
	var at unix.Statfs_t
	if no := unix.Statfs(path.Dir(mounted), &at); no != nil || at.Type != configfsMagic {
		hint = "`mount -t configfs configfs /sys/kernel/config`, then " + hint
	}
	if err == nil {
		err = fmt.Errorf("%w: the kernel's target is not loaded", drivers.ErrUnavailable)
	}
	return &drivers.Error{Err: err, Hint: hint}
}

// paths of an export's objects
func target(iqn string) string { return "iscsi/" + iqn }

func group(iqn string) string { return target(iqn) + "/tpgt_1" }

func lun(r iscsi.Record) string { return fmt.Sprintf("%s/lun/lun_%d", group(r.IQN), r.LUN) }

// acl is the folder of an initiator; the kernel lowers the names that initiators send.
func acl(iqn, initiator string) string { return group(iqn) + "/acls/" + strings.ToLower(initiator) }

// set writes an attribute unless it has that value: a write to a living target may have effects.
func (m *machine) set(attribute, value string) error {
	if have, err := m.tree.Read(attribute); err == nil && have == value {
		return nil
	}
	if err := m.tree.Write(attribute, value); err != nil {
		return m.explain("set "+path.Base(attribute), err)
	}
	return nil
}

// steps runs one after the other, and looks at the context before each.
func steps(ctx context.Context, all ...func() error) error {
	for _, step := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
