package targettest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

func (s suite) serial(e targets.Export) string {
	s.Helper()
	disk := s.login(s.allow(e, hostA), hostA)
	serial, err := disk.Serial()
	s.NoError(err)
	s.NoError(disk.Close())
	return serial
}

// identity: a disk is the same disk after each export (data-safety rule 13).
func (s suite) identity() {
	e, other := s.ensured(), s.ensured()
	serial := s.serial(e)
	s.Contains(plain(serial), plain(e.VolumeID))
	s.NotEqual(serial, s.serial(other))
	s.NoError(s.t.Remove(s.ctx(), e))
	s.ensured() // takes the place, where there are places
	_, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	s.Equal(serial, s.serial(e))
}

func plain(text string) string { return strings.ReplaceAll(strings.ToLower(text), "-", "") }

// restore: exports, initiators, credentials and identity outlive the machine (complaint 12).
func (s suite) restore() {
	e, idle := s.ensured(), s.ensured()
	info := s.allow(e, hostA)
	serial := s.serial(e)
	removed := s.ensured()
	s.NoError(s.t.Remove(s.ctx(), removed))

	s.opts.Reboot(s.T)
	s.t = s.opts.New(s.T, s.cfg)
	listed, ok := s.listed(e.Name)
	s.True(ok)
	s.True(listed.Recorded)
	s.False(listed.Live)

	s.NoError(s.t.Restore(s.ctx()))
	disk := s.login(info, hostA)
	p := noise(4096)
	_, err := disk.WriteAt(p, 0)
	s.NoError(err)
	again, err := disk.Serial()
	s.NoError(err)
	s.Equal(serial, again)
	s.shut(info, hostB, "it was not allowed before")
	listed, _ = s.listed(idle.Name)
	s.True(listed.Live)
	s.gone(removed)

	s.NoError(s.t.Restore(s.ctx()), "with nothing to do")
	_, err = disk.WriteAt(p, 4096)
	s.NoError(err, "a session that lives is left alone")
}

// restoreOneMissing: one volume that is away must not keep the others from coming back.
func (s suite) restoreOneMissing() {
	file := sparse(s.T, size)
	e, other := NewExport(file), s.ensured()
	_, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	s.opts.Reboot(s.T)
	s.t = s.opts.New(s.T, s.cfg)
	away := file + ".away"
	s.NoError(os.Rename(file, away))

	err = s.t.Restore(s.ctx())
	s.fails(err, drivers.ErrNotFound)
	s.Contains(err.Error(), e.Name)
	s.NotContains(err.Error(), other.Name)
	listed, _ := s.listed(other.Name)
	s.True(listed.Live)
	listed, _ = s.listed(e.Name)
	s.True(listed.Recorded)
	s.False(listed.Live)

	s.NoError(os.Rename(away, file))
	s.NoError(s.t.Restore(s.ctx()))
	listed, _ = s.listed(e.Name)
	s.True(listed.Live)
}

// recordsLost: an export that is used and of which no record tells is not touched.
func (s suite) recordsLost() {
	e := s.ensured()
	disk := s.login(s.allow(e, hostA), hostA)
	s.NoError(os.RemoveAll(s.cfg.StateDir))
	listed, ok := s.listed(e.Name)
	s.True(ok)
	s.True(listed.Live)
	s.False(listed.Recorded)
	s.NoError(s.t.Restore(s.ctx()))
	_, err := s.t.Ensure(s.ctx(), e)
	s.fails(err, drivers.ErrBusy)
	s.NotEmpty(drivers.Hint(err))
	_, err = disk.WriteAt(noise(4096), 0)
	s.NoError(err, "its host was cut off")

	s.NoError(s.t.Deny(s.ctx(), e, connector(hostA)), "whom no record names can be denied all the same")
	_, err = s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	s.login(s.allow(e, hostB), hostB)
}

// secrets: only root reads them. (Each test besides looks at logs and arguments.)
func (s suite) secrets() {
	at, err := s.t.Ensure(s.ctx(), s.export())
	s.NoError(err)
	found := false
	s.NoError(filepath.WalkDir(s.cfg.StateDir, func(path string, d fs.DirEntry, err error) error {
		s.NoError(err)
		info, err := d.Info()
		s.NoError(err)
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else if text, err := os.ReadFile(path); err == nil {
			found = found || strings.Contains(string(text), at.CHAP.Password)
		}
		s.Equal(want, info.Mode().Perm(), path)
		return nil
	}))
	s.True(found, "the record has no secret: where is it?")

	s.NoError(os.Chmod(s.cfg.StateDir, 0o755))
	s.NoError(s.t.Check(s.ctx()))
	info, err := os.Stat(s.cfg.StateDir)
	s.NoError(err)
	s.Equal(fs.FileMode(0o700), info.Mode().Perm(), "a folder that was opened is closed again")
}
