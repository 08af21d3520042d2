package lvm

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// options are Cinder's, under its names and with its defaults.
type options struct {
	group     string // volume_group
	thin      bool   // lvm_type
	mirrors   int    // lvm_mirrors
	confFile  string // lvm_conf_file
	tries     int    // num_shell_tries
	clear     bool   // volume_clear is zero
	clearSize int64  // volume_clear_size in bytes, 0 is all
	ioPrio    int    // volume_clear_ionice, as ioprio_set(2) takes it; 0 leaves it
	copyLimit int64  // volume_copy_bps_limit, bytes a second; 0 is no limit
	autoRatio bool   // max_over_subscription_ratio is auto
	keepBase  bool   // backup_keep_base_snapshot
}

// pool is the name of the thin pool, as Cinder forms it.
func (o options) pool() string { return o.group + "-pool" }

func parseOptions(m map[string]string) (o options, err error) {
	number := func(name string, low, high int64) int64 {
		text := m[name]
		if text == "" {
			return low
		}
		n, e := strconv.ParseInt(text, 10, 64)
		if (e != nil || n < low || n > high) && err == nil {
			err = fmt.Errorf("%w: %s = %s; allowed are %d to %d", drivers.ErrInvalid, name, text, low, high)
		}
		return n
	}
	o.group = cmp.Or(m["volume_group"], "cinder-volumes")
	o.confFile = cmp.Or(m["lvm_conf_file"], "/etc/cinder/lvm.conf")
	o.mirrors = int(number("lvm_mirrors", 0, 10))
	o.clearSize = number("volume_clear_size", 0, 1024) << 20
	o.copyLimit = number("volume_copy_bps_limit", 0, math.MaxInt64)
	o.tries = 3
	if m["num_shell_tries"] != "" {
		o.tries = int(number("num_shell_tries", 1, 100))
	}
	o.autoRatio = m["max_over_subscription_ratio"] == "auto"
	if err != nil {
		return o, err
	}
	if e := drivers.CheckName(o.group); e != nil {
		return o, fmt.Errorf("volume_group: %w", e)
	}
	switch text := cmp.Or(m["volume_clear"], "zero"); text {
	case "zero":
		o.clear = true
	case "none":
	default:
		return o, fmt.Errorf("%w: volume_clear = %s; allowed are zero and none", drivers.ErrInvalid, text)
	}
	if o.ioPrio, err = parseIONice(m["volume_clear_ionice"]); err != nil {
		return o, err
	}
	switch text := cmp.Or(m["lvm_type"], "auto"); text {
	case "default":
	case "thin":
		o.thin = true
	case "auto":
		_, e := execx.Find("thin_check")
		o.thin = e == nil && o.mirrors == 0
	default:
		return o, fmt.Errorf("%w: lvm_type = %s; allowed are default, thin and auto", drivers.ErrInvalid, text)
	}
	if keep := m["backup_keep_base_snapshot"]; keep != "" {
		var e error
		if o.keepBase, e = strconv.ParseBool(keep); e != nil {
			return o, fmt.Errorf("%w: backup_keep_base_snapshot = %s; allowed are true and false", drivers.ErrInvalid, keep)
		}
		o.keepBase = o.keepBase && o.thin // thick snapshots can't be compared, and slow their volume down
	}
	if o.thin && o.mirrors > 0 {
		return o, fmt.Errorf("%w: lvm_mirrors = %d with lvm_type = thin; mirror the disks below the volume group, or use lvm_type = default", drivers.ErrInvalid, o.mirrors)
	}
	return o, nil
}

// parseIONice reads ionice's -c and -n, apart or together ("-c2 -n7"): class 1 real time, 2 best effort, 3 idle; level 0 to 7.
func parseIONice(text string) (int, error) {
	class, level, wants := 0, 4, byte(0)
	for _, word := range strings.Fields(text) {
		if len(word) >= 2 && word[0] == '-' && (word[1] == 'c' || word[1] == 'n') {
			wants, word = word[1], word[2:]
			if word == "" {
				continue
			}
		}
		n, err := strconv.Atoi(word)
		switch {
		case err == nil && wants == 'c' && n >= 0 && n <= 3:
			class = n
		case err == nil && wants == 'n' && n >= 0 && n <= 7:
			level = n
		default:
			return 0, fmt.Errorf("%w: volume_clear_ionice = %s; allowed are -c 0 to 3 and -n 0 to 7", drivers.ErrInvalid, text)
		}
		wants = 0
	}
	if class == 0 {
		return 0, nil
	}
	const classShift = 13 // linux/ioprio.h
	return class<<classShift | level, nil
}
