package iscsi

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
)

// path is one way to the disk, as the connection tells it.
type path struct {
	iqn    string
	portal netip.AddrPort
	lun    int
}

// connection is what a ConnectionInfo says, checked: its words become arguments and names of files.
type connection struct {
	paths          []path // one at least
	volume         string // uuid; "" when it isn't told
	user, password string // "" without CHAP
	readonly       bool
}

// key is what steps on one volume have in common: whoever connects the same target waits.
func (c *connection) key() string { return c.paths[0].iqn }

// parse reads a connection. It has been through JSON, or not: lists are []any or not, numbers float64 or int.
func parse(info connectors.ConnectionInfo) (*connection, error) {
	bad := func(format string, args ...any) (*connection, error) {
		return nil, fmt.Errorf("%w: %s", drivers.ErrInvalid, fmt.Sprintf(format, args...))
	}
	if info.DriverVolumeType != Protocol {
		return bad("the connection is over %q, not iscsi", info.DriverVolumeType)
	}
	d := info.Data
	c := &connection{volume: text(d["volume_id"]), readonly: text(d["access_mode"]) == "ro"}
	iqns, portals, luns := list(d["target_iqns"]), list(d["target_portals"]), list(d["target_luns"])
	if len(portals) == 0 {
		iqns, portals, luns = []any{d["target_iqn"]}, []any{d["target_portal"]}, []any{d["target_lun"]}
	}
	if len(iqns) != len(portals) || len(luns) != len(portals) {
		return bad("the connection has %d portals, %d names and %d LUNs", len(portals), len(iqns), len(luns))
	}
	for i := range portals {
		p := path{iqn: text(iqns[i])}
		if !plainIQN(p.iqn) {
			return bad("target name %q; want iqn., eui. or naa. and letters, digits, '.', ':', '-', '_'", p.iqn)
		}
		var err error
		if p.portal, err = netip.ParseAddrPort(text(portals[i])); err != nil || !plainZone(p.portal.Addr().Zone()) {
			return bad("portal %q; want an IP address and a port", text(portals[i]))
		}
		var ok bool
		if p.lun, ok = number(luns[i]); !ok || p.lun < 0 || p.lun > 16383 {
			return bad("LUN %v; want 0 to 16383", luns[i])
		}
		c.paths = append(c.paths, p)
	}
	for _, p := range c.paths[1:] {
		if p.iqn != c.paths[0].iqn || p.lun != c.paths[0].lun {
			return bad("portals of several targets; a volume has one")
		}
	}
	switch method := text(d["auth_method"]); method {
	case "":
	case "CHAP":
		c.user, c.password = text(d["auth_username"]), text(d["auth_password"])
		if !plainSecret(c.user) || !plainSecret(c.password) {
			return bad("CHAP user and password; want up to 255 printable characters without blanks")
		}
	default:
		return bad("auth_method %q; known is CHAP", method)
	}
	return c, nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func list(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	case []int:
		out := make([]any, len(v))
		for i, n := range v {
			out[i] = n
		}
		return out
	}
	return nil
}

func number(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	}
	return 0, false
}

// plainIQN: it becomes the name of a folder (RFC 3720, 3.2.6).
func plainIQN(s string) bool {
	kind, rest, ok := strings.Cut(s, ".")
	if !ok || rest == "" || len(s) > 223 || kind != "iqn" && kind != "eui" && kind != "naa" {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".:-_", r) {
			return false
		}
	}
	return true
}

// plainZone: an address's zone is the name of a network interface here, and any text to netip.
func plainZone(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_@", r)
	})
}

// plainSecret: a line's end in it would be another setting of the record.
func plainSecret(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}
