package connectors

import (
	"cmp"
	"os"
	"runtime"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// Properties are what a host tells about itself when its worker starts: what the storage side needs to let it in, and which protocols it
// has a client for, so that a request that can't work is refused before anything is reserved.
type Properties struct {
	Connector models.Connector `json:"connector"`
	Clients   []Client         `json:"clients"`
}

// Client is a host's client of one protocol.
type Client struct {
	Protocol string `json:"protocol"` // driver_volume_type of the connections it takes: iscsi, nfs, ...
	Ready    bool   `json:"ready"`
	Reason   string `json:"reason,omitempty"`  // why it is not ready, for users: "iscsiadm is not installed"
	Hint     string `json:"hint,omitempty"`    // for the host's operator: "install open-iscsi on this host"
	Warning  string `json:"warning,omitempty"` // it works, but not well
}

// Client finds the client of a protocol; one that the host's worker knows nothing of is not ready.
func (p Properties) Client(protocol string) Client {
	for _, c := range p.Clients {
		if c.Protocol == protocol {
			return c
		}
	}
	return Client{Protocol: protocol, Reason: "this host takes in no volumes over " + protocol}
}

// Machine is what every connector tells of a host: host is its name in Clinker, ip the address it reaches storage from.
func Machine(host, ip string) models.Connector {
	c := models.Connector{Host: host, IP: ip, OSType: runtime.GOOS, Platform: platform(runtime.GOARCH)}
	// Readable by root only, and not there without firmware tables; os-brick leaves it out then, too.
	if text, err := os.ReadFile("/sys/class/dmi/id/product_uuid"); err == nil {
		c.SystemUUID = strings.ToLower(strings.TrimSpace(string(text)))
	}
	return c
}

// platform is uname's name of an architecture, which os-brick tells.
func platform(arch string) string {
	return cmp.Or(map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "ppc64le": "ppc64le", "s390x": "s390x"}[arch], arch)
}

// merge adds what another connector knows of the same host.
func merge(a, b models.Connector) models.Connector {
	a.Host, a.IP = cmp.Or(a.Host, b.Host), cmp.Or(a.IP, b.IP)
	a.Initiator = cmp.Or(a.Initiator, b.Initiator)
	a.Multipath, a.EnforceMultipath = a.Multipath || b.Multipath, a.EnforceMultipath || b.EnforceMultipath
	a.Platform, a.OSType, a.SystemUUID = cmp.Or(a.Platform, b.Platform), cmp.Or(a.OSType, b.OSType), cmp.Or(a.SystemUUID, b.SystemUUID)
	return a
}
