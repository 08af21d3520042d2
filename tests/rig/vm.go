package rig

import (
	"bufio"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed guest/vm-init.sh
var vmInit []byte

// GuestKernel is the folder into which tests/install.sh unpacks the kernel package that guests boot.
const GuestKernel = "/var/lib/clinker-guest"

// guestModules find virtio and SCSI disks, and the port of the guest agent.
var guestModules = []string{
	"drivers/virtio/virtio.ko", "drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio_pci_legacy_dev.ko",
	"drivers/virtio/virtio_pci_modern_dev.ko", "drivers/virtio/virtio_pci.ko", "drivers/block/virtio_blk.ko",
	"drivers/char/virtio_console.ko",
	"drivers/scsi/scsi_common.ko", "drivers/scsi/scsi_mod.ko", "drivers/scsi/sd_mod.ko", "drivers/scsi/virtio_scsi.ko",
}

// VM is a guest under QEMU, without KVM: it boots in 12 to 30 s, so that the tests of a package share one.
type VM struct {
	Name string // of its monitor's socket, without .sock
	// Sockets is the folder of the monitor's socket.
	Sockets string
	t       T
	dir     string
	proc    *process
	agent   *vmAgent
}

// Guest boots a guest under QEMU with a monitor. It is killed at the end of the test.
func Guest(t T) *VM {
	t.Helper()
	needs(t, "qemu-system-x86_64", "qemu-ga", "busybox")
	s := open(t)
	dir, number := s.folder(t, "vm")
	v := &VM{t: t, dir: dir, Sockets: dir, Name: "guest-" + strconv.Itoa(number)}
	if err := v.start(); err != nil {
		t.Fatalf("booting a guest: %v: %s", err, lastLines(filepath.Join(dir, "console"), 5))
	}
	return v
}

func (v *VM) start() error {
	kernel, initrd, err := guestImages(v.dir)
	if err != nil {
		return err
	}
	agent := filepath.Join(v.dir, "agent.sock")
	v.proc, err = launch(v.dir, filepath.Join(v.dir, "qemu.log"), nil, find("qemu-system-x86_64"),
		"-name", v.Name, "-M", "pc", "-accel", "tcg,tb-size=128", "-cpu", "max", "-smp", "1", "-m", "192", "-display", "none", "-no-reboot", "-nodefaults",
		"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 panic=-1 quiet mitigations=off",
		"-serial", "file:"+filepath.Join(v.dir, "console"), "-serial", "unix:"+agent+",server=on,wait=off",
		"-chardev", "socket,id=qga,server=on,wait=off,path="+filepath.Join(v.Sockets, v.Name+".agent"),
		"-device", "virtio-serial", "-device", "virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
		"-qmp", "unix:"+filepath.Join(v.Sockets, v.Name+".sock")+",server=on,wait=off")
	if err != nil {
		return err
	}
	v.agent, err = greet(agent, func() error {
		if !v.proc.running() {
			return fmt.Errorf("QEMU ended: %w: %s", v.proc.err, lastLines(filepath.Join(v.dir, "qemu.log"), 5))
		}
		return nil
	})
	return err
}

// With returns the guest for use by another test.
func (v *VM) With(t T) *VM {
	sub := *v
	sub.t = t
	return &sub
}

// Run runs a command line of busybox's shell in the guest, and returns what it said. Other than 0 is an error.
func (v *VM) Run(command string) (string, error) { return v.agent.run(command) }

// Pid is QEMU's.
func (v *VM) Pid() int { return v.proc.cmd.Process.Pid }

// Kill ends it, as a loss of power.
func (v *VM) Kill() {
	v.t.Helper()
	if err := v.proc.kill(); err != nil {
		v.t.Fatalf("%v", err)
	}
}

// guestImages are a kernel and a first file system made for it in dir.
func guestImages(dir string) (kernel, initrd string, err error) {
	kernels, _ := filepath.Glob(filepath.Join(GuestKernel, "boot/vmlinuz-*"))
	if len(kernels) == 0 {
		return "", "", fmt.Errorf("no kernel in %s: tests/install.sh unpacks one", GuestKernel)
	}
	initrd = filepath.Join(dir, "initrd")
	f, err := os.Create(initrd)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	a := &archive{to: f}
	for _, folder := range []string{"bin", "dev", "proc", "sys", "modules"} {
		a.add(folder, 0o40755, nil)
	}
	a.add("init", 0o100755, vmInit)
	busybox, err := os.ReadFile(find("busybox"))
	if err != nil {
		return "", "", err
	}
	a.add("bin/busybox", 0o100755, busybox)
	if err := addAgent(a); err != nil {
		return "", "", err
	}
	for _, m := range guestModules {
		found, _ := filepath.Glob(filepath.Join(GuestKernel, "lib/modules/*/kernel", m))
		if len(found) == 0 {
			return "", "", fmt.Errorf("no module %s in %s", m, GuestKernel)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			return "", "", err
		}
		a.add("modules/"+filepath.Base(m), 0o100644, text)
	}
	return kernels[len(kernels)-1], initrd, a.close()
}

// vmAgent is the other end of a guest's second serial port.
type vmAgent struct {
	mu   sync.Mutex
	conn net.Conn
	in   *bufio.Reader
}

// greet waits until the guest is up.
func greet(socket string, alive func() error) (*vmAgent, error) {
	a := &vmAgent{}
	err := eventually(time.Minute, "the guest's serial port", func() (err error) {
		if err := alive(); err != nil {
			return err
		}
		a.conn, err = net.Dial("unix", socket)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.in = bufio.NewReader(a.conn)
	_ = a.conn.SetDeadline(time.Now().Add(5 * time.Minute))
	for {
		line, err := a.in.ReadString('\n')
		if err != nil {
			a.conn.Close()
			return nil, fmt.Errorf("the guest did not come up: %w", err)
		}
		if strings.Contains(line, "GUEST-READY") {
			return a, nil
		}
	}
}

func (a *vmAgent) run(command string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.conn.SetDeadline(time.Now().Add(5 * time.Minute))
	if _, err := fmt.Fprintf(a.conn, "%s\n", command); err != nil {
		return "", err
	}
	var said strings.Builder
	for {
		line, err := a.in.ReadString('\n')
		if err != nil {
			return said.String(), err
		}
		if code, ok := strings.CutPrefix(strings.TrimSpace(line), "END "); ok {
			if code != "0" {
				return said.String(), fmt.Errorf("exit %s: %s", code, said.String())
			}
			return said.String(), nil
		}
		said.WriteString(line)
	}
}
