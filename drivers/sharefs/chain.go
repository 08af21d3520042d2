package sharefs

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/qcow"
)

// link is one file of a chain.
type link struct {
	file   string
	format string
	size   drivers.Bytes // of the disk that it shows
}

// disk is a volume as it is on a share.
type disk struct {
	name string
	*record
	chain []link // from the active file down to volume-<id>
}

func (k *disk) top() link { return k.chain[0] }

// below is the chain from the file that holds a snapshot's data: the backing file of the one that the snapshot made.
func (k *disk) below(file string) []link {
	for i, l := range k.chain {
		if l.file == file && i+1 < len(k.chain) {
			return k.chain[i+1:]
		}
	}
	return nil
}

// above is the file whose backing file is file; "" when file is the active one.
func (k *disk) above(file string) string {
	for i, l := range k.chain {
		if l.file == file && i > 0 {
			return k.chain[i-1].file
		}
	}
	return ""
}

// look reads a volume's record, as it is after what a killed step left of it: ErrNotFound when there is no volume, errForeign for a
// file that nobody made a volume of.
func (p *place) look(name string) (*disk, error) {
	r, err := p.readRecord(name)
	if err != nil && !errors.Is(err, drivers.ErrNotFound) {
		return nil, err
	}
	if r == nil || r.format == "" {
		switch _, err := p.stat(name); {
		case err == nil:
			return nil, errForeign
		case r != nil && errors.Is(err, drivers.ErrNotFound):
			return nil, errForeign // Cinder's, with its first file merged away
		default:
			return nil, err
		}
	}
	if _, err := p.stat(name); err != nil {
		return nil, err // ErrNotFound: a record without its file is what a killed step left
	}
	k := &disk{name: name, record: r}
	// The last act of a deletion, but for the record, is that the file goes.
	if r.step == stepDelete && r.snapshots[r.of] != "" {
		_, err := p.stat(r.snapshots[r.of])
		if errors.Is(err, drivers.ErrNotFound) {
			k.forget()
		} else if err != nil {
			return nil, err
		}
	}
	return k, nil
}

// forget takes the snapshot of a deletion out of the record in memory.
func (k *disk) forget() {
	if k.active == k.snapshots[k.of] {
		k.active = k.onto
	}
	delete(k.snapshots, k.of)
	k.strangers = slices.DeleteFunc(k.strangers, func(id string) bool { return id == k.of })
}

// load is look, and reads each header of the chain.
func (p *place) load(name string) (*disk, error) {
	k, err := p.look(name)
	if err != nil {
		return nil, err
	}
	k.chain, err = p.walk(name, k.record)
	return k, err
}

// walk follows the chain and compares it with the record: the backing file of each must be a file of this volume, in this
// folder, and of the format that the record says (data-safety rule 9).
func (p *place) walk(name string, r *record) (chain []link, err error) {
	seen := map[string]bool{}
	for file := r.active; ; {
		if seen[file] {
			return nil, fmt.Errorf("%w: the chain of its files runs in a circle", drivers.ErrUnavailable)
		}
		seen[file] = true
		l, h, err := p.link(file, r.formatOf(name, file))
		if errors.Is(err, drivers.ErrNotFound) && file != name {
			return nil, fmt.Errorf("%w: the file %s of its chain is missing", drivers.ErrUnavailable, file)
		}
		if err != nil {
			return nil, err
		}
		chain = append(chain, l)
		switch {
		case file == name && h.Backing != "":
			return nil, qcow.Bad("of %s names a backing file, which it can't have", file)
		case file == name:
			return chain, nil
		case !ownFile(name, h.Backing):
			return nil, qcow.Bad("of %s names a backing file that is not the volume's", file)
		case h.BackingFormat != r.formatOf(name, h.Backing):
			return nil, qcow.Bad("of %s says %q of its backing file, the record says %s", file, h.BackingFormat, r.formatOf(name, h.Backing))
		}
		file = h.Backing
	}
}

// link looks at one file.
func (p *place) link(file, format string) (l link, h qcow.Header, err error) {
	f, err := p.openPlain(file)
	if err != nil {
		return l, h, err
	}
	defer f.Close()
	if p.kind.SplitBrain != nil && p.kind.SplitBrain(fmt.Sprintf("%s/%s", p.dir(), file)) {
		return l, h, errSplitBrain
	}
	if format == qcow2 {
		h, err = qcow.ReadHeader(f)
		return link{file, format, h.Size}, h, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return l, h, err
	}
	return link{file, format, drivers.Bytes(st.Size)}, h, nil
}

// openPlain opens a file for reading: ErrNotFound when there is none. It asks by opening rather than by name alone, since an
// open goes to the server (NFS: close-to-open).
func (p *place) openPlain(name string) (*os.File, error) {
	f, err := p.Open(name, unix.O_RDONLY|unix.O_NONBLOCK)
	if errors.Is(err, unix.ENOENT) {
		return nil, drivers.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = files.ErrNoFile
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// stat returns a file's size.
func (p *place) stat(name string) (drivers.Bytes, error) {
	f, err := p.openPlain(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return drivers.Bytes(info.Size()), nil
}
