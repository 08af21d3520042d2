package sharefs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mount is a line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	id     int
	dev    string // major:minor
	point  string
	fsType string
	source string
}

func parseMounts(text []byte) (mounts []mount) {
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
		mounts = append(mounts, mount{id: id, dev: words[2], point: unescape(words[4]), fsType: after[0], source: unescape(after[1])})
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

func readMounts() ([]mount, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(text), nil
}

// mountAt returns what is mounted at a point: the last mount there hides those before.
func mountAt(point string) (m mount, ok bool, err error) {
	mounts, err := readMounts()
	for _, each := range mounts {
		if each.point == point {
			m, ok = each, true
		}
	}
	return m, ok, err
}

// mountOf returns the mount that an open file is in.
func mountOf(f *os.File) (mount, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", f.Fd()))
	if err != nil {
		return mount{}, err
	}
	id := -1
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("mnt_id:")); ok {
			id, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	mounts, err := readMounts()
	if err != nil {
		return mount{}, err
	}
	for _, m := range mounts {
		if m.id == id {
			return m, nil
		}
	}
	return mount{}, errGone
}
