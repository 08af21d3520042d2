package mounts

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Mount is a line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type Mount struct {
	ID     int
	Dev    string // major:minor
	Point  string
	FSType string
	Source string
}

// Is tells whether it is the mount of a share of that kind.
func (m Mount) Is(k Kind, address string) bool {
	return slices.Contains(k.Mounted, m.FSType) && samePlace(m.Source, address)
}

// samePlace compares what mountinfo shows as a mount's source with a share's address: GlusterFS drops the slash.
func samePlace(source, address string) bool {
	return strings.ReplaceAll(source, ":/", ":") == strings.ReplaceAll(strings.TrimRight(address, "/"), ":/", ":") || source == address
}

func parseMounts(text []byte) (mounts []Mount) {
	for line := range bytes.Lines(text) {
		own, rest, ok := strings.Cut(string(line), " - ")
		words, after := strings.Fields(own), strings.Fields(rest)
		if !ok || len(words) < 5 || len(after) < 2 {
			continue
		}
		id, err := strconv.Atoi(words[0])
		if err != nil {
			continue
		}
		mounts = append(mounts, Mount{ID: id, Dev: words[2], Point: unescape(words[4]), FSType: after[0], Source: unescape(after[1])})
	}
	return mounts
}

// unescape puts blanks and backslashes back, which the kernel writes as \040 and the like.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func readMounts() ([]Mount, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(text), nil
}

// At returns what is mounted at a point: the last mount there hides those before.
func At(point string) (m Mount, ok bool, err error) {
	all, err := readMounts()
	for _, each := range all {
		if each.Point == point {
			m, ok = each, true
		}
	}
	return m, ok, err
}

// Of returns the mount that an open file is in.
func Of(f *os.File) (Mount, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", f.Fd()))
	if err != nil {
		return Mount{}, err
	}
	id := -1
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("mnt_id:")); ok {
			id, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	all, err := readMounts()
	if err != nil {
		return Mount{}, err
	}
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	return Mount{}, ErrGone
}
