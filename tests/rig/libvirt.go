package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Domain is a guest as a domain of a libvirtd of the test's own.
type Domain struct {
	*VM
	// Socket is libvirtd's.
	Socket string
}

// libvirtFolders are where libvirtd keeps what it has; the test's own sees folders of the test's there.
var libvirtFolders = []string{"/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt", "/etc/libvirt"}

const libvirtdConf = `unix_sock_dir = "%[1]s"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:%[1]s/libvirtd.log"
`

// There is no udev, cgroup, AppArmor or virtlogd here that QEMU would be given to.
const qemuConf = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
`

const domainXML = `<domain type='qemu'><name>%[1]s</name><memory unit='MiB'>192</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>%[2]s</kernel><initrd>%[3]s</initrd><cmdline>console=ttyS0 panic=-1 quiet mitigations=off</cmdline></os>
<features><acpi/></features><cpu mode='maximum'/>
<devices><emulator>%[4]s</emulator>
<serial type='file'><source path='%[5]s/console'/><target port='0'/></serial>
<serial type='unix'><source mode='bind' path='%[5]s/agent.sock'/><target port='1'/></serial>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<memballoon model='none'/></devices></domain>
`

// LibvirtGuest boots a guest under QEMU by libvirt, as a persistent domain. All of it is killed at the end of the test.
func LibvirtGuest(t T) *Domain {
	t.Helper()
	needs(t, "libvirtd", "virsh", "qemu-system-x86_64", "qemu-ga", "busybox", "unshare")
	s := open(t)
	dir, number := s.folder(t, "libvirt")
	d := &Domain{VM: &VM{t: t, dir: dir, Name: "domain-" + strconv.Itoa(number)}, Socket: filepath.Join(dir, "libvirt-sock")}
	if err := d.start(); err != nil {
		t.Fatalf("a guest of libvirt's: %v: %s", err, lastLines(filepath.Join(dir, "libvirtd.log"), 5))
	}
	return d
}

func (d *Domain) start() error {
	script := "set -e; mount --make-rprivate /"
	for _, folder := range libvirtFolders {
		own := filepath.Join(d.dir, folder)
		if err := os.MkdirAll(own, 0o755); err != nil {
			return err
		}
		script += fmt.Sprintf("; mkdir -p %[1]s; mount --bind %[2]s %[1]s", folder, own)
	}
	// The first process has to take in the QEMUs that libvirtd leaves to it: it would wait for dead ones.
	script += "; " + find("libvirtd") + " & wait $!"
	etc := filepath.Join(d.dir, "etc/libvirt")
	kernel, initrd, err := guestImages(d.dir)
	if err != nil {
		return err
	}
	description := fmt.Sprintf(domainXML, d.Name, kernel, initrd, find("qemu-system-x86_64"), d.dir)
	for name, text := range map[string]string{"libvirtd.conf": fmt.Sprintf(libvirtdConf, d.dir), "qemu.conf": qemuConf, "domain.xml": description} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	// The first process of a PID namespace takes all others with it, QEMU too, which leaves libvirtd's group.
	d.proc, err = launch(d.dir, filepath.Join(d.dir, "libvirtd.out"), nil, find("unshare"), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", find("sh"), "-c", script)
	if err != nil {
		return err
	}
	alive := func() error {
		if !d.proc.running() {
			return fmt.Errorf("libvirtd ended: %w: %s", d.proc.err, lastLines(filepath.Join(d.dir, "libvirtd.out"), 5))
		}
		return nil
	}
	if err := eventually(time.Minute, "libvirtd", func() error {
		if err := alive(); err != nil {
			return err
		}
		_, err := os.Stat(d.Socket)
		return err
	}); err != nil {
		return err
	}
	for _, args := range [][]string{{"define", filepath.Join(etc, "domain.xml")}, {"start", d.Name}} {
		if _, err := d.virsh(args...); err != nil {
			return err
		}
	}
	d.agent, err = greet(filepath.Join(d.dir, "agent.sock"), alive)
	return err
}

// Virsh runs libvirt's own client.
func (d *Domain) Virsh(args ...string) string {
	d.t.Helper()
	out, err := d.virsh(args...)
	if err != nil {
		d.t.Fatalf("virsh %v: %v", args, err)
	}
	return out
}

func (d *Domain) virsh(args ...string) (string, error) {
	return output(append([]string{find("virsh"), "-q", "-c", "qemu+unix:///system?socket=" + d.Socket}, args...)...)
}
