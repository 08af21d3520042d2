package libvirt

import (
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// aliasPrefix is ours; libvirt keeps names that begin with ua- as they are.
const aliasPrefix = "ua-clinker-"

// disk is a <disk> of libvirt's domain format (https://libvirt.org/formatdomain.html).
type disk struct {
	XMLName xml.Name `xml:"disk"`
	Type    string   `xml:"type,attr"` // block, file, network
	Device  string   `xml:"device,attr"`
	Driver  *struct {
		Name    string `xml:"name,attr"`
		Type    string `xml:"type,attr"`
		Discard string `xml:"discard,attr,omitempty"`
	} `xml:"driver"`
	Source   source    `xml:"source"`
	Target   target    `xml:"target"`
	Serial   string    `xml:"serial,omitempty"`
	Readonly *struct{} `xml:"readonly"`
	Alias    named     `xml:"alias"`
	// Address is the place in the machine, by which libvirt knows a disk that it gives back.
	Address *struct {
		Attrs []xml.Attr `xml:",any,attr"`
	} `xml:"address"`
}

type source struct {
	Dev       string     `xml:"dev,attr,omitempty"`
	File      string     `xml:"file,attr,omitempty"`
	Protocol  string     `xml:"protocol,attr,omitempty"`
	Name      string     `xml:"name,attr,omitempty"`
	Host      *host      `xml:"host"`
	Initiator *initiator `xml:"initiator"`
	Auth      *auth      `xml:"auth"`
}

type host struct {
	Name string `xml:"name,attr"`
	Port string `xml:"port,attr,omitempty"`
}

type initiator struct {
	IQN named `xml:"iqn"`
}

type auth struct {
	Username string `xml:"username,attr"`
	Secret   struct {
		Type string `xml:"type,attr"`
		UUID string `xml:"uuid,attr"`
	} `xml:"secret"`
}

type target struct {
	Dev string `xml:"dev,attr"`
	Bus string `xml:"bus,attr"`
}

type named struct {
	Name string `xml:"name,attr"`
}

// whole is the disk as libvirt takes it back.
func (d *disk) whole() (string, error) {
	words, err := xml.Marshal(d)
	return string(words), err
}

// describe makes the disk of a volume; its format is said, and the name of its target is chosen later.
func describe(d hypervisors.Disk) (*disk, error) {
	out := &disk{Device: "disk", Serial: d.VolumeID, Target: target{Bus: "virtio"}, Alias: named{aliasPrefix + d.VolumeID}}
	out.Driver = &struct {
		Name    string `xml:"name,attr"`
		Type    string `xml:"type,attr"`
		Discard string `xml:"discard,attr,omitempty"`
	}{"qemu", d.Format, "unmap"}
	if d.Readonly {
		out.Readonly = &struct{}{}
	}
	if d.Path != "" {
		st, err := os.Stat(d.Path)
		if err != nil {
			return nil, err
		}
		out.Type, out.Source.File = "file", d.Path
		if st.Mode()&os.ModeDevice != 0 {
			out.Type, out.Source = "block", source{Dev: d.Path}
		}
		return out, nil
	}
	out.Type = "network"
	var err error
	out.Source, err = network(d)
	return out, err
}

// network is a source that QEMU reaches by itself.
func network(d hypervisors.Disk) (s source, err error) {
	text := func(key string) string {
		s, _ := d.Connection.Data[key].(string)
		return s
	}
	switch protocol := d.Connection.DriverVolumeType; protocol {
	case "iscsi":
		address, port, err := net.SplitHostPort(text("target_portal"))
		if err != nil || text("target_iqn") == "" {
			return s, fmt.Errorf("%w: the connection names no target", drivers.ErrInvalid)
		}
		s = source{Protocol: "iscsi", Name: fmt.Sprintf("%s/%v", text("target_iqn"), d.Connection.Data["target_lun"]), Host: &host{address, port}}
		if d.Initiator != "" {
			s.Initiator = &initiator{named{d.Initiator}}
		}
		if user := text("auth_username"); user != "" {
			s.Auth = &auth{Username: user}
			s.Auth.Secret.Type, s.Auth.Secret.UUID = "iscsi", d.VolumeID
		}
		return s, nil
	case "glusterfs":
		server, path, ok := strings.Cut(text("export"), ":/")
		if !ok || server == "" || path == "" || text("name") == "" || strings.Contains(text("name"), "/") {
			return s, fmt.Errorf("%w: the connection names no file of a GlusterFS", drivers.ErrInvalid)
		}
		return source{Protocol: "gluster", Name: path + "/" + text("name"), Host: &host{Name: strings.Trim(server, "[]"), Port: "24007"}}, nil
	default:
		return s, fmt.Errorf("%w: QEMU does not take in %q here", drivers.ErrInvalid, protocol)
	}
}

// freeName is the first name of a virtio disk that nobody has: vda to vdz, then vdaa.
func freeName(taken map[string]bool) string {
	for n := 0; ; n++ {
		name := ""
		for i := n; i >= 0; i = i/26 - 1 {
			name = string(rune('a'+i%26)) + name
		}
		if !taken["vd"+name] {
			return "vd" + name
		}
	}
}
