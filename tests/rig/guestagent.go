package rig

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// addAgent puts the QEMU guest agent into a guest, with the libraries that it is linked to. StartAgent runs it.
func addAgent(a *archive) error {
	agent := find("qemu-ga")
	out, err := exec.Command("ldd", agent).Output()
	if err != nil {
		return err
	}
	content := map[string]string{"bin/qemu-ga": agent}
	folders := []string{"run"}
	for line := range strings.Lines(string(out)) {
		for _, word := range strings.Fields(line) {
			if filepath.IsAbs(word) {
				content[strings.TrimPrefix(word, "/")] = word
			}
		}
	}
	for name := range content {
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			folders = append(folders, dir)
		}
	}
	a.folders(folders...)
	for name, from := range content {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		a.add(name, 0o100755, text)
	}
	return nil
}

// StartAgent starts the QEMU guest agent in the guest, and StopAgent ends it.
func (v *VM) StartAgent() {
	v.t.Helper()
	port := "/dev/$(basename $(dirname $(grep -l org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name)))"
	if out, err := v.Run("mkdir -p /run && qemu-ga -d -m virtio-serial -p " + port + " -t /run -f /run/qga.pid -l /run/qga.log"); err != nil {
		v.t.Fatalf("starting the guest agent: %v: %s", err, out)
	}
}

// StopAgent ends it.
func (v *VM) StopAgent() {
	v.t.Helper()
	if out, err := v.Run("kill $(cat /run/qga.pid)"); err != nil {
		v.t.Fatalf("stopping the guest agent: %v: %s", err, out)
	}
}
