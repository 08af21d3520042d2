package main

import (
	"fmt"
	"log/slog"
	"os"
)

// warnOfModes tells of a configuration or a state folder that any user of this machine can read or change. It goes on all the same: whether the machine has
// other users is its operator's to know. Files that hold nothing but a secret are refused where they are read.
func warnOfModes(configFile, state string, log *slog.Logger) {
	for _, f := range []struct {
		what, path, mode string
		open             os.FileMode
	}{{"the configuration", configFile, "640", 0o026}, {"the state folder", state, "700", 0o027}} {
		info, err := os.Stat(f.path)
		if f.path == "" || err != nil {
			continue // its absence is told of by whoever needs it
		}
		if mode := info.Mode().Perm(); mode&f.open != 0 {
			log.Warn(f.what+" is open to other users of this machine", "path", f.path, "mode", fmt.Sprintf("%04o", mode), "hint", "chmod "+f.mode+" "+f.path)
		}
	}
}
