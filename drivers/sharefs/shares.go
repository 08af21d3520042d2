package sharefs

import (
	"bufio"
	"crypto/md5" //nolint:gosec // the name of a folder, as Cinder and os-brick make it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// Share is one line of a shares file: `host:/volume [-o options]`.
type Share struct {
	Address string // "host:/volume", as it stands in the file: the mount point's name is made of it
	Options string // what follows -o, "" for none
}

// Point is the name of the share's mount point in the base folder, which hosts that attach work out the same way.
func (s Share) Point() string {
	sum := md5.Sum([]byte(s.Address)) //nolint:gosec // not for secrecy
	return hex.EncodeToString(sum[:])
}

// String is the line again.
func (s Share) String() string {
	if s.Options == "" {
		return s.Address
	}
	return s.Address + " -o " + s.Options
}

// ParseShares reads a shares file. A bad line does not spoil the others: the shares that could be read are returned with an
// error, which wraps drivers.ErrInvalid and names each bad line. "#" begins a comment.
func ParseShares(r io.Reader, file string, bracketed bool) ([]Share, error) {
	var shares []Share
	var errs []error
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s, err := parseShare(words, bracketed)
		for _, other := range shares {
			if err == nil && other.Address == s.Address {
				err = fmt.Errorf("%s is there already", s.Address)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %s, line %d: %w; want host:/volume [-o options]", drivers.ErrInvalid, file, n, err))
			continue
		}
		shares = append(shares, s)
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("%w: %s: %w", drivers.ErrInvalid, file, err))
	}
	return shares, errors.Join(errs...)
}

func parseShare(words []string, bracketed bool) (Share, error) {
	s := Share{Address: words[0]}
	if err := checkAddress(s.Address, bracketed); err != nil {
		return s, err
	}
	var options []string
	for rest := words[1:]; len(rest) > 0; rest = rest[2:] {
		if rest[0] != "-o" || len(rest) == 1 {
			return s, fmt.Errorf("%q after the share", strings.Join(rest, " "))
		}
		if strings.HasPrefix(rest[1], "-") || !plain(rest[1]) {
			return s, fmt.Errorf("mount options %q", rest[1])
		}
		options = append(options, strings.Trim(rest[1], ","))
	}
	s.Options = strings.Join(options, ",")
	return s, nil
}

// checkAddress refuses what mount would read as something else.
func checkAddress(address string, bracketed bool) error {
	host, path, ok := strings.Cut(address, ":/")
	switch {
	case !ok || host == "" || strings.Trim(path, "/") == "":
		return fmt.Errorf("share %q", address)
	case strings.HasPrefix(host, "-") || strings.Contains(path, ":") || !plain(address):
		return fmt.Errorf("share %q", address)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." || part == "." {
			return fmt.Errorf("share %q has %q in its path", address, part)
		}
	}
	inner, inBrackets := strings.CutPrefix(host, "[")
	inner = strings.TrimSuffix(inner, "]")
	switch {
	case strings.ContainsAny(inner, "[]/"):
		return fmt.Errorf("share %q", address)
	case strings.Contains(inner, ":") && bracketed != inBrackets, inBrackets && !bracketed:
		if bracketed {
			return fmt.Errorf("share %q: an IPv6 address stands in brackets here", address)
		}
		return fmt.Errorf("share %q: mount.glusterfs wants the address without brackets", address)
	}
	return nil
}

// plain says that a word holds nothing but printable ASCII, and nothing that mountinfo would escape.
func plain(word string) bool {
	for _, c := range []byte(word) {
		if c <= ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}
