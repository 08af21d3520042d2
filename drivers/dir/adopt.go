package dir

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// tagAdopted keeps what an adopted file was called: by that an attempt that lost its answer is known again, and it is what the file
// is called when it is let go.
const tagAdopted = "clinker.adopted"

// Adopt makes the file ref of the folder the volume v, which takes a rename. Its bytes are not looked at: it is raw.
func (d *Driver) Adopt(ctx context.Context, v drivers.Volume, ref string) (drivers.Volume, error) {
	made, err := d.adoptVolume(ctx, v, ref)
	return made, d.fail("adopt volume", ref, err)
}

func (d *Driver) adoptVolume(ctx context.Context, v drivers.Volume, ref string) (drivers.Volume, error) {
	if err := errors.Join(files.Check(v), checkRef(ref)); err != nil {
		return v, err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)}, adoption(ref))
	if err != nil {
		return v, err
	}
	defer f.Close()
	if err := d.take(f, ref, v.Name, v.Size, v.Tags); err != nil {
		return v, err
	}
	return d.stat(f, v.Name)
}

// adoption keeps two steps from adopting one file under two names.
func adoption(ref string) drivers.Claim { return drivers.Claim{ID: "adopt/" + ref} }

// checkRef refuses what can't be the name of a file that others made.
func checkRef(ref string) error {
	if err := drivers.CheckName(ref); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	return nil
}

// take gives the file ref, of at most so many bytes unless most is 0, the name of a volume or of a snapshot, and its tags.
func (d *Driver) take(f *files.Folder, ref, name string, most drivers.Bytes, tags map[string]string) error {
	switch _, err := f.Stat(name); {
	case err == nil && f.Tags(name)[tagAdopted] == ref:
		return f.Sync() // the attempt that adopted it may have died before its own sync
	case err == nil:
		return fmt.Errorf("%w: there is one of that name", drivers.ErrExists)
	case !errors.Is(err, drivers.ErrNotFound):
		return err
	}
	size, err := foreign(f, ref)
	if err != nil {
		return err
	}
	if most > 0 && size > most {
		return fmt.Errorf("%w: %s has %d bytes; there may be %d", drivers.ErrInvalid, ref, size, most)
	}
	file, err := f.Open(ref, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer file.Close()
	tags = maps.Clone(tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[tagAdopted] = ref
	if err := files.SetTags(file, tags); err != nil {
		return err
	}
	if err := file.Chmod(fileMode); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return f.Publish(ref, name)
}

// foreign returns the size of a file that others made, and refuses one that can't be served as a volume.
func foreign(f *files.Folder, ref string) (drivers.Bytes, error) {
	st, err := f.Stat(ref)
	size := drivers.Bytes(st.Size)
	switch {
	case errors.Is(err, files.ErrNoFile):
		return 0, fmt.Errorf("%w: %s is no plain file", drivers.ErrInvalid, ref)
	case err != nil:
		return 0, err
	case files.ID(ref) != "":
		return size, fmt.Errorf("%w: %s is a volume already", drivers.ErrExists, ref)
	case size == 0:
		return 0, fmt.Errorf("%w: %s is empty", drivers.ErrInvalid, ref)
	}
	return size, notInUse(f, ref)
}

// Release gives the volume's file a name without a uuid, the one that it had before it was adopted where that is free.
func (d *Driver) Release(ctx context.Context, v drivers.Volume) (ref string, err error) {
	ref, err = d.releaseVolume(ctx, v)
	return ref, d.fail("release volume", v.Name, err)
}

func (d *Driver) releaseVolume(ctx context.Context, v drivers.Volume) (string, error) {
	if err := files.Check(v); err != nil {
		return "", err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)})
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Stat(v.Name); err != nil {
		return "", err
	}
	if err := removable(ctx, f, v.Name); err != nil {
		return "", err
	}
	return giveBack(f, v.Name, files.ID(v.Name))
}

// giveBack renames a file to what it was called before, or to a name made of the id that nobody takes for a volume's, and takes our
// tags off.
func giveBack(f *files.Folder, name, id string) (ref string, err error) {
	tags := f.Tags(name)
	ref = tags[tagAdopted]
	if checkRef(ref) != nil || files.ID(ref) != "" {
		ref = plainName(id)
	}
	if err = f.Publish(name, ref); errors.Is(err, unix.EEXIST) {
		ref = plainName(id)
		err = f.Publish(name, ref)
	}
	if err != nil {
		return "", err
	}
	return ref, files.RemoveTags(f, ref, tags)
}

func plainName(id string) string { return "unmanaged-" + strings.ReplaceAll(id, "-", "") }
