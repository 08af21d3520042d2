package sharefs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/qcow"
)

// Adopt makes a volume of a file on a share: "file" or "host:/volume/file", as Cinder's manage has it. The file is of the format that new
// volumes have, unless "raw:" or "qcow2:" in front says so: what is in the file does not decide, since a guest may have
// written it (data-safety rule 9). A file with snapshots in Cinder's info file keeps its name.
func (d *Driver) Adopt(ctx context.Context, v drivers.Volume, ref string) (drivers.Volume, error) {
	const op = "adopt volume"
	format, share, name, err := d.parseRef(ref)
	if err = errors.Join(check(v), err); err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	ps, err := d.enterAll(ctx)
	if err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	defer ps.close()
	known, err := d.located(share, ps)
	if err != nil {
		return v, d.fail(op, v.Name, nil, err)
	}
	for _, p := range ps.open {
		if known != nil && p != known {
			continue
		}
		claims := []drivers.Claim{{ID: files.ID(v.Name)}}
		if id := files.ID(name); id != "" && id != files.ID(v.Name) {
			claims = append(claims, drivers.Claim{ID: id})
		}
		err := p.lock(ctx, claims...)
		if err == nil {
			v.Size, err = d.adoptOn(ctx, p, v, name, format)
		}
		if errors.Is(err, drivers.ErrNotFound) {
			continue
		}
		return d.found(v, p), d.fail(op, v.Name, p.share, err)
	}
	if known == nil && ps.missing() != nil {
		return v, ps.missing()
	}
	return v, d.fail(op, v.Name, nil, fmt.Errorf("%s: %w", name, drivers.ErrNotFound))
}

// parseRef takes a reference apart.
func (d *Driver) parseRef(ref string) (format, share, name string, err error) {
	name = ref
	for _, f := range []string{raw, qcow2} {
		if rest, ok := strings.CutPrefix(name, f+":"); ok && !strings.HasPrefix(rest, "/") {
			format, name = f, rest
		}
	}
	if i := strings.LastIndex(name, "/"); i >= 0 {
		share, name = name[:i], name[i+1:]
		if err := checkAddress(share, d.kind.Bracketed); err != nil {
			return "", "", "", fmt.Errorf("%w: reference: %w", drivers.ErrInvalid, err)
		}
	}
	if err := drivers.CheckName(name); err != nil {
		return "", "", "", fmt.Errorf("reference: %w", err)
	}
	if strings.HasSuffix(name, infoSuffix) {
		return "", "", "", fmt.Errorf("%w: reference %q; want a volume's file", drivers.ErrInvalid, name)
	}
	return format, share, name, nil
}

// adoptOn adopts a file of one share and returns the volume's size.
func (d *Driver) adoptOn(ctx context.Context, p *place, v drivers.Volume, name, format string) (drivers.Bytes, error) {
	if k, err := p.load(v.Name); err == nil {
		if name != v.Name {
			if _, err := p.stat(name); err == nil {
				return 0, fmt.Errorf("%w: there is a volume of that name", drivers.ErrExists)
			}
		}
		return k.top().size, p.Sync() // the call that adopted it may have died
	}
	if k, err := p.look(name); err == nil && name != v.Name {
		return 0, fmt.Errorf("%w: %s is a volume already", drivers.ErrExists, k.name)
	}
	r, err := p.readRecord(name)
	if errors.Is(err, drivers.ErrNotFound) {
		r, err = &record{active: name}, nil
	}
	if err != nil {
		return 0, err
	}
	if len(r.snapshots) > 0 && name != v.Name {
		return 0, fmt.Errorf("%w: %s has snapshots: it can be adopted under its own name only", drivers.ErrInvalid, name)
	}
	file := r.active
	if len(r.snapshots) > 0 {
		file = name
	}
	if r.format, err = d.formatOfForeign(p, name, r, format); err != nil {
		return 0, err
	}
	return d.takeIn(ctx, p, v, r, name, file)
}

// formatOfForeign decides the format of the first file of what is to be adopted.
func (d *Driver) formatOfForeign(p *place, name string, r *record, format string) (string, error) {
	asked := format != ""
	if !asked {
		format = d.format()
	}
	// A file that a snapshot made was never in a guest's hands from its beginning: what it says of its backing file holds.
	for _, file := range r.snapshots {
		_, h, err := p.link(file, qcow2)
		if err != nil {
			return "", err
		}
		if h.Backing == name && !asked && (h.BackingFormat == raw || h.BackingFormat == qcow2) {
			return h.BackingFormat, nil
		}
	}
	file := name
	if len(r.snapshots) == 0 {
		file = r.active
	}
	f, err := p.openPlain(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if !asked && format == raw && qcow.Is(f) {
		return "", fmt.Errorf("%w: %s is to be raw and begins as a qcow2 file: say \"raw:%s\" when a guest wrote that, \"qcow2:%s\" when it is one",
			drivers.ErrInvalid, name, name, name)
	}
	return format, nil
}

func (d *Driver) takeIn(ctx context.Context, p *place, v drivers.Volume, r *record, name, file string) (drivers.Bytes, error) {
	size := drivers.Bytes(0)
	if len(r.snapshots) == 0 {
		l, h, err := p.link(file, r.format)
		if err != nil {
			return 0, err
		}
		if h.Backing != "" {
			return 0, qcow.Bad("names a backing file, and it has no snapshots")
		}
		size, r.active = l.size, v.Name
	} else {
		chain, err := p.walk(v.Name, r)
		if err != nil {
			return 0, err
		}
		size = chain[0].size
	}
	switch {
	case size <= 0:
		return 0, fmt.Errorf("%w: %s is empty", drivers.ErrInvalid, file)
	case v.Size > 0 && size > v.Size:
		return 0, fmt.Errorf("%w: %s has %d bytes; there may be %d", drivers.ErrInvalid, file, size, v.Size)
	}
	top := r.active
	if len(r.snapshots) == 0 {
		top = file
	}
	if used, err := p.QemuWrites(top); err != nil || used {
		return 0, errors.Join(err, errBusyIf(used))
	}
	if err := errors.Join(p.sync(top), ctx.Err()); err != nil {
		return 0, err
	}
	r.size, r.tags, r.step = size, ownTags(v.Tags), ""
	r.strangers = slices.Sorted(maps.Keys(r.snapshots))
	// As in a create, the record goes first: without its file it is nothing.
	if err := p.writeRecord(v.Name, r); err != nil {
		return 0, err
	}
	if len(r.snapshots) > 0 || file == v.Name {
		return size, nil
	}
	if err := p.Publish(file, v.Name); err != nil {
		return 0, errors.Join(err, p.Unlink(infoName(v.Name)))
	}
	if name == v.Name {
		return size, nil
	}
	return size, p.Unlink(infoName(name)) // Cinder's, which has nothing to say any more
}

func errBusyIf(used bool) error {
	if used {
		return errInUse
	}
	return nil
}

// Release makes the volume's file a file like any other: it keeps its name and loses its record.
func (d *Driver) Release(ctx context.Context, v drivers.Volume) (ref string, err error) {
	err = d.step(ctx, "release volume", v, v.Name, func(p *place) error {
		k, err := p.look(v.Name)
		if errors.Is(err, errForeign) { // released before
			ref = p.share.Address + "/" + v.Name
			return nil
		}
		if err != nil {
			return err
		}
		ref = p.share.Address + "/" + v.Name
		if len(k.snapshots) > 0 {
			return fmt.Errorf("%w: it has snapshots", drivers.ErrBusy)
		}
		if err := p.Unlink(infoName(v.Name)); err != nil {
			return err
		}
		return p.Sync()
	})
	return ref, err
}
