package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// noDumps keeps this process's memory, which holds keys and passwords, out of core files, and away from other processes of its user: no debugger, and
// no look at /proc/PID/mem or environ. The limit alone would not do where core_pattern names a program, which gets the core whatever the limit is.
// Programs that are started from here have the limit too. root reads all memory of its machine, whatever is done here.
func noDumps() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switching core files off: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing this process's memory to others: %w", err)
	}
	return nil
}
