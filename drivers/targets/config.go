package targets

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// DefaultPort is iSCSI's (RFC 7143).
const DefaultPort = 3260

// DefaultPrefix is Cinder's target_prefix.
const DefaultPrefix = "iqn.2010-10.org.openstack:"

// Config is what a target is made from.
type Config struct {
	Backend string // section name, for messages
	Helper  string // target_helper
	Prefix  string // target_prefix; "" is DefaultPrefix
	// Addresses are those of this node that the portals are on: target_ip_address, then target_secondary_ip_addresses.
	Addresses []netip.Addr
	Port      int // target_port; 0 is DefaultPort
	// NoWriteCache has every write reach the disk before it is answered (iscsi_write_cache off). With the cache, guests' flushes do.
	// Devices behind lio bring their own cache, which is passed through as it is.
	NoWriteCache bool
	ControlPort  int // tgt_control_port
	// CHAP is one pair of credentials for every export (use_chap_auth); the zero value has each export get its own, which is better.
	CHAP CHAP
	// StateDir keeps what should be exported, over reboots. It holds CHAP secrets: the folder has mode 0700, its files 0600.
	StateDir string
	Logger   *slog.Logger // nil discards
}

// Portals are the addresses with the port, IPv6 in brackets.
func (c Config) Portals() []string {
	portals := make([]string, len(c.Addresses))
	for i, a := range c.Addresses {
		portals[i] = netip.AddrPortFrom(a, uint16(cmp.Or(c.Port, DefaultPort))).String()
	}
	return portals
}

// Log returns the logger, one that discards when none was given.
func (c Config) Log() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// Configure reads a backend's options, by their present names; what is not given is as in Cinder. stateDir is the node's own
// folder. ErrInvalid names the option.
func Configure(backend string, options map[string]string, stateDir string, log *slog.Logger) (Config, error) {
	c := Config{
		Backend:      backend,
		Helper:       cmp.Or(options["target_helper"], "tgtadm"),
		Prefix:       options["target_prefix"],
		NoWriteCache: options["iscsi_write_cache"] == "off",
		StateDir:     filepath.Join(stateDir, "exports", backend),
		Logger:       log,
	}
	bad := func(option, why string) (Config, error) {
		return Config{}, fmt.Errorf("%w: [%s] %s = %q: %s", drivers.ErrInvalid, backend, option, options[option], why)
	}
	if p := options["target_protocol"]; p != "" && p != "iscsi" {
		return bad("target_protocol", "only iscsi is served")
	}
	for _, option := range []string{"target_ip_address", "target_secondary_ip_addresses"} {
		for text := range strings.SplitSeq(options[option], ",") {
			text = strings.Trim(strings.TrimSpace(text), "[]")
			if text == "" {
				continue
			}
			a, err := netip.ParseAddr(text)
			if err != nil || a.IsUnspecified() {
				return bad(option, "it takes IP addresses of this node that hosts can reach")
			}
			c.Addresses = append(c.Addresses, a)
		}
	}
	for option, number := range map[string]*int{"target_port": &c.Port, "tgt_control_port": &c.ControlPort} {
		if text := options[option]; text != "" {
			n, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return bad(option, "it takes a number up to 65535")
			}
			*number = int(n)
		}
	}
	if use, _ := strconv.ParseBool(options["use_chap_auth"]); use && options["chap_username"] != "" {
		c.CHAP = CHAP{User: options["chap_username"], Password: options["chap_password"]}
		if len(c.CHAP.Password) < 12 {
			return Config{}, fmt.Errorf("%w: [%s] chap_password: initiators want at least 12 characters (RFC 7143)", drivers.ErrInvalid, backend)
		}
	}
	return c, nil
}
