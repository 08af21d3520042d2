package dir

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// Adoptables lists the volumes, which carry their ids, and the files that others put into the folder.
func (d *Driver) Adoptables(ctx context.Context) iter.Seq2[drivers.Adoptable, error] {
	return d.adoptables(ctx, func(f *files.Folder, name string) (drivers.Adoptable, error) {
		id := files.ID(name)
		if id == "" {
			return describe(f, name)
		}
		st, err := f.Stat(name)
		return drivers.Adoptable{Ref: name, Size: drivers.Bytes(st.Size), ID: id}, err
	})
}

// AdoptableSnapshots lists the snapshots, which carry their ids and volumes, and the files that others put into the folder.
func (d *Driver) AdoptableSnapshots(ctx context.Context) iter.Seq2[drivers.Adoptable, error] {
	return d.adoptables(ctx, func(f *files.Folder, name string) (drivers.Adoptable, error) {
		volume, snapshot, ok := strings.Cut(strings.TrimPrefix(name, "."), "@")
		switch {
		case ok && strings.HasPrefix(name, ".") && files.ID(snapshot) != "" && snapshot == strings.TrimSuffix(snapshot, ".part"):
			st, err := f.Stat(name)
			return drivers.Adoptable{Ref: name, Size: drivers.Bytes(st.Size), ID: files.ID(snapshot), SourceRef: volume}, err
		case files.ID(name) != "":
			return drivers.Adoptable{}, drivers.ErrNotFound // a volume
		}
		return describe(f, name)
	})
}

// adoptables lists what look makes of each file; ErrNotFound leaves one out.
func (d *Driver) adoptables(ctx context.Context, look func(*files.Folder, string) (drivers.Adoptable, error)) iter.Seq2[drivers.Adoptable, error] {
	const op = "list what can be adopted"
	return func(yield func(drivers.Adoptable, error) bool) {
		f, err := d.open(ctx)
		if err != nil {
			yield(drivers.Adoptable{}, d.fail(op, "", err))
			return
		}
		defer f.Close()
		for name, err := range f.Names(ctx) {
			if err != nil {
				yield(drivers.Adoptable{}, d.fail(op, "", err))
				return
			}
			item, err := look(f, name)
			if errors.Is(err, drivers.ErrNotFound) || errors.Is(err, files.ErrNoFile) {
				continue
			}
			if !yield(item, d.fail(op, name, err)) || err != nil {
				return
			}
		}
	}
}

// describe tells of a file that is none of ours; hidden ones are nobody's to adopt.
func describe(f *files.Folder, name string) (drivers.Adoptable, error) {
	if strings.HasPrefix(name, ".") {
		return drivers.Adoptable{}, drivers.ErrNotFound
	}
	if _, err := f.Stat(name); err != nil { // folders and links are left out
		return drivers.Adoptable{}, err
	}
	size, err := foreign(f, name)
	item := drivers.Adoptable{Ref: name, Size: size}
	if drivers.CheckName(name) != nil && (err == nil || errors.Is(err, drivers.ErrBusy)) {
		item.Reason = "its name has characters that no reference may have"
		return item, nil
	}
	switch {
	case errors.Is(err, drivers.ErrInvalid):
		item.Reason = "it is empty"
	case errors.Is(err, drivers.ErrBusy):
		item.Reason = "a program has it open for writing"
	case err != nil:
		return item, err
	}
	return item, nil
}
