package iscsi

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// maxName is the longest iSCSI name, in bytes (RFC 7143, 4.2.7.1).
const maxName = 223

// IQN makes a target's name. iSCSI names are lower-case letters, digits, "-", "." and ":" (RFC 3722), so that what a volume's name
// may have besides becomes a dot; volumes' names contain their uuid, which keeps them apart.
func IQN(prefix, name string) (string, error) {
	iqn := strings.ToLower(prefix + strings.NewReplacer("_", ".", "+", ".").Replace(name))
	if err := checkISCSIName(iqn); err != nil {
		return "", fmt.Errorf("target name: %w", err)
	}
	return iqn, nil
}

// checkInitiator refuses what is no initiator's name: it becomes the name of a folder and a word in requests. Upper case is let
// through, because tgtd compares names as they were sent; to us they are the same.
func checkInitiator(name string) error {
	if name == "" {
		return fmt.Errorf("%w: the connector names no initiator; an iSCSI volume needs one", drivers.ErrInvalid)
	}
	if err := checkISCSIName(strings.ToLower(name)); err != nil {
		return fmt.Errorf("initiator: %w", err)
	}
	return nil
}

func checkISCSIName(name string) error {
	kind := strings.HasPrefix(name, "iqn.") || strings.HasPrefix(name, "eui.") || strings.HasPrefix(name, "naa.")
	if !kind || len(name) > maxName || len(name) < 5 {
		return fmt.Errorf("%w: %.240q is no iSCSI name: it begins with iqn., eui. or naa. and has at most %d characters", drivers.ErrInvalid, name, maxName)
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':') {
			return fmt.Errorf("%w: %q is no iSCSI name: allowed are letters, digits and -.: in it", drivers.ErrInvalid, name)
		}
	}
	return nil
}

const (
	userLength = 20
	// Most initiators take 12 to 16 characters.
	passwordLength = 16
	// No look-alikes (0 O o, 1 l I), since people read these over the telephone. 32 characters: a byte's rest is unbiased.
	alphabet = "abcdefghjkmnpqrstuvwxyz23456789A"
)

// newCHAP makes credentials: 80 bits of chance in the password.
func newCHAP() targets.CHAP {
	return targets.CHAP{User: random(userLength), Password: random(passwordLength)}
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// Serial is the volume's uuid without dashes, from which the disk's identity is made.
func Serial(volumeID string) string { return strings.ReplaceAll(strings.ToLower(volumeID), "-", "") }

// addressOf is a portal's address, the zero Addr if it is none.
func addressOf(portal string) netip.Addr {
	ap, _ := netip.ParseAddrPort(portal)
	return ap.Addr()
}
