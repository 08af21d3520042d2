package iscsi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// recordFolders are where open-iscsi keeps its records: Debian's and SUSE's, then Red Hat's.
var recordFolders = []string{"etc/iscsi/nodes", "var/lib/iscsi/nodes"}

// settings are those of a record that are ours. open-iscsi's own, of iscsid.conf, stay for the rest.
func (c *connection) settings(recovery time.Duration) [][2]string {
	s := [][2]string{
		{"node.startup", "manual"},      // Connect logs in, not the boot: then nobody knows yet whether the volume is this host's still
		{"node.session.scan", "manual"}, // the one LUN that was told of is looked for, no other
		{"node.session.timeo.replacement_timeout", fmt.Sprint(int(recovery.Seconds()))},
		// A portal that is away is given up after 20 s, not after iscsid.conf's 120: there may be another.
		{"node.session.initial_login_retry_max", "2"},
		{"node.conn[0].timeo.login_timeout", "10"},
	}
	if c.user != "" {
		s = append(s, [][2]string{
			{"node.session.auth.authmethod", "CHAP"}, {"node.session.auth.username", c.user}, {"node.session.auth.password", c.password},
		}...)
	}
	return s
}

// writeRecord puts our settings into the record that iscsiadm has made.
func (c *Connector) writeRecord(conn *connection, p path, recovery time.Duration) error {
	file, err := c.recordFile(p)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(file)
	if err != nil {
		return drivers.FileError("", Protocol, "", file, err)
	}
	text, err := rewrite(string(old), conn.settings(recovery))
	if err != nil {
		return trouble(drivers.ErrUnavailable, "look at "+file+"; is this open-iscsi 2?", "iscsiadm's record can't be read")
	}
	return drivers.FileError("", Protocol, "", file, replace(file, text))
}

// recordFile finds the record of a path.
func (c *Connector) recordFile(p path) (string, error) {
	for _, found := range c.records(p) {
		for _, f := range []string{found, filepath.Join(found, "default")} {
			if info, err := os.Lstat(f); err == nil && info.Mode().IsRegular() {
				return f, nil
			}
		}
	}
	return "", trouble(drivers.ErrUnavailable, "records are looked for in /"+strings.Join(recordFolders, " and /"), "iscsiadm's new record is not found")
}

// records are the names that records of a path have: NAME/ADDRESS,PORT, a file, as -o new makes it without a portal group, or
// NAME/ADDRESS,PORT,GROUP, a folder with a file for each interface.
func (c *Connector) records(p path) (found []string) {
	for _, folder := range recordFolders {
		base := filepath.Join(c.host.root, folder, p.iqn, fmt.Sprintf("%s,%d", p.portal.Addr(), p.portal.Port()))
		for _, pattern := range []string{base, base + ",*"} {
			names, _ := filepath.Glob(pattern) // names are plain
			found = append(found, names...)
		}
	}
	return found
}

// forget deletes a path's records, without iscsiadm, which would read those of all volumes for it.
func (c *Connector) forget(p path) error {
	for _, f := range c.records(p) {
		if err := os.RemoveAll(f); err != nil {
			return drivers.FileError("", Protocol, "", f, err)
		}
	}
	for _, folder := range recordFolders {
		_ = os.Remove(c.host.path(folder, p.iqn)) // other portals may have theirs in it
	}
	return nil
}

// forgetAll deletes every record of a target, whatever its portal was.
func (c *Connector) forgetAll(iqn string) error {
	for _, folder := range recordFolders {
		if f := c.host.path(folder, iqn); exists(f) {
			if err := os.RemoveAll(f); err != nil {
				return drivers.FileError("", Protocol, "", f, err)
			}
		}
	}
	return nil
}

// rewrite sets settings in a record's text: "name = value" lines between BEGIN and END.
func rewrite(old string, settings [][2]string) (string, error) {
	const end = "# END RECORD"
	body, after, ok := strings.Cut(old, end)
	if !ok || !strings.Contains(body, "# BEGIN RECORD") {
		return "", fmt.Errorf("%w: no record", drivers.ErrUnavailable)
	}
	var b strings.Builder
	for line := range strings.Lines(body) {
		name, _, _ := strings.Cut(line, " = ")
		kept := true
		for _, s := range settings {
			kept = kept && s[0] != name
		}
		if kept {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	for _, s := range settings {
		fmt.Fprintf(&b, "%s = %s\n", s[0], s[1])
	}
	return b.String() + end + after, nil
}

// replace has the file hold text, all at once, and readable by nobody else. The new file is made beside the folder of records: in it,
// iscsiadm would take it for one. Its name is always the same for a record, so that what a killed process left is used up by the next.
func replace(file, text string) error {
	folder, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(file)))
	if err != nil {
		return err
	}
	for filepath.Base(folder) != "nodes" && len(folder) > 1 {
		folder = filepath.Dir(folder)
	}
	fresh := filepath.Join(filepath.Dir(folder), ".clinker-"+filepath.Base(filepath.Dir(file))+"-"+filepath.Base(file))
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(fresh, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return nil
}
