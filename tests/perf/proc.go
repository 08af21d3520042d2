package perf

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is USER_HZ, in which the kernel tells CPU times on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuTime is what a process, all its threads, has used of the CPUs, in user and kernel mode.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseCPU(b)
}

// parseCPU reads utime and stime, fields 14 and 15 of proc(5) stat. The name, field 2, may hold blanks and brackets.
func parseCPU(stat []byte) (time.Duration, error) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("no CPU times in %q", stat)
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memory is a line of /proc/PID/status in MiB: VmRSS for now, VmHWM for the most so far.
func memory(pid int, line string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseInt(strings.TrimSuffix(after(string(text), line+":"), " kB"), 10, 64)
	return kib >> 10, err
}

// machine says on what the figures were measured.
func machine() string {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	load, _ := os.ReadFile("/proc/loadavg")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	_, model, _ := strings.Cut(after(string(cpu), "model name"), ":")
	loads := strings.Fields(string(load))
	return fmt.Sprintf("%d x %s, Linux %s, load average %s",
		bytes.Count(cpu, []byte("processor\t")), strings.TrimSpace(model), strings.TrimSpace(string(kernel)), strings.Join(loads[:min(3, len(loads))], " "))
}

// after is what follows a word at the begin of a line, without blanks around it.
func after(text, word string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, word); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
