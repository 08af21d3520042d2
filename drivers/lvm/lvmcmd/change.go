package lvmcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// change runs an LVM command that changes something: gently, and again when something was in use for a moment.
func (g *Group) change(ctx context.Context, command string, args ...string) error {
	return g.again(ctx, func() error { return g.once(ctx, command, args...) })
}

func (g *Group) again(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if n >= g.attempt.Count || !errors.Is(err, drivers.ErrBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(g.attempt.Pause):
		}
	}
}

func (g *Group) once(ctx context.Context, command string, args ...string) error {
	_, err := g.raw(ctx, command, args...)
	return classify(command, err)
}

func (g *Group) raw(ctx context.Context, command string, args ...string) (stdout string, err error) {
	res, err := g.run.Run(ctx, execx.Command{Name: "lvm", Args: g.with(command, args...), Env: g.env, Gentle: true})
	return string(res.Stdout), err
}

func (g *Group) of(name string) string { return g.name + "/" + name }

// size writes a size as LVM takes it: in whole sectors, which it rounds up to extents.
func size(bytes int64) string {
	return strconv.FormatInt((bytes+sector-1)/sector*sector, 10) + "b"
}

func tagArgs(flag string, tags []string) []string {
	var args []string
	for _, t := range tags {
		args = append(args, flag, t)
	}
	return args
}

// CreateThick makes a volume with space of its own, which holds whatever lay there before. mirrors are copies beside the first.
func (g *Group) CreateThick(ctx context.Context, name string, bytes int64, mirrors int, tags []string) error {
	args := []string{"-y", "-Wn", "-Zn", "-n", name, "-L", size(bytes)}
	if mirrors > 0 {
		// Nothing is synchronised: all of it will be written before anybody reads it.
		args = append(args, "--type", "raid1", "-m", strconv.Itoa(mirrors), "--nosync")
	}
	return g.change(ctx, "lvcreate", append(append(args, tagArgs("--addtag", tags)...), g.name)...)
}

// CreateThin makes a volume in a thin pool.
func (g *Group) CreateThin(ctx context.Context, pool, name string, bytes int64, tags []string) error {
	args := append([]string{"-y", "-n", name, "-V", size(bytes), "-T"}, tagArgs("--addtag", tags)...)
	return g.change(ctx, "lvcreate", append(args, g.of(pool))...)
}

// CreatePool makes a thin pool of a share of the free space. metadata is the size of its own tables.
func (g *Group) CreatePool(ctx context.Context, name string, percentFree int, metadata int64) error {
	return g.change(ctx, "lvcreate", "-y", "--type", "thin-pool", "-Zy", "-l", strconv.Itoa(percentFree)+"%FREE",
		"--poolmetadatasize", size(metadata), "-n", name, g.name)
}

// SnapshotThin makes a thin volume that begins with what origin, a thin one, holds now. It is activated like any other
// volume (-kn; LVM's default for thin snapshots is to skip them).
func (g *Group) SnapshotThin(ctx context.Context, origin, name string, tags []string) error {
	args := append([]string{"-y", "-kn", "-n", name, "--snapshot"}, tagArgs("--addtag", tags)...)
	return g.change(ctx, "lvcreate", append(args, g.of(origin))...)
}

// SnapshotThick keeps what origin holds now, with a store of so many bytes for what is overwritten. LVM makes no store
// larger than it can ever use. It keeps, and is read, in pieces of chunk bytes; 0 is LVM's default of 4 KiB.
func (g *Group) SnapshotThick(ctx context.Context, origin, name string, store, chunk int64, tags []string) error {
	args := append([]string{"-y", "-n", name, "-L", size(store), "--snapshot"}, tagArgs("--addtag", tags)...)
	if chunk > 0 {
		args = append(args, "--chunksize", size(chunk))
	}
	return g.change(ctx, "lvcreate", append(args, g.of(origin))...)
}

// Remove removes a volume, by its uuid. One that has thick snapshots is ErrBusy: lvremove would take them along without a
// word, also without -f, so the selection, which LVM makes under its own lock, leaves such a volume out. Absent is nil.
func (g *Group) Remove(ctx context.Context, lv LV) error {
	removed := false
	err := g.again(ctx, func() error {
		said, err := g.raw(ctx, "lvremove", "-y", "-S", fmt.Sprintf("lv_uuid=%s && lv_role!=thickorigin", lv.UUID), g.name)
		removed = err == nil && strings.Contains(said, "successfully removed")
		return classify("lvremove", err)
	})
	if err != nil || removed {
		return err
	}
	// What the selection left out is no error to LVM: it is an origin, or gone.
	rep, err := g.Report(ctx, Select{})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(rep.LVs, func(l LV) bool { return l.UUID == lv.UUID }) {
		return &Error{Command: "lvremove", Err: fmt.Errorf("%w: it has snapshots", drivers.ErrBusy), Hint: "delete its snapshots first: `lvs -o+origin " + g.name + "`"}
	}
	return nil
}

// Extend makes a volume so large; as large already is nil.
func (g *Group) Extend(ctx context.Context, name string, bytes int64) error {
	return g.grow(ctx, "-L", size(bytes), g.of(name))
}

// ExtendInto makes a volume larger by exactly these extents, as Ranges names them.
func (g *Group) ExtendInto(ctx context.Context, name string, extents int64, ranges []string) error {
	return g.grow(ctx, append([]string{"-l", "+" + strconv.FormatInt(extents, 10), g.of(name)}, ranges...)...)
}

func (g *Group) grow(ctx context.Context, args ...string) error {
	_, err := g.raw(ctx, "lvextend", args...)
	if saidAny(err, "matches existing size", "not larger than existing size") {
		return nil
	}
	return classify("lvextend", err)
}

// Ranges are the physical extents of a linear volume, "/dev/sdb:147-402", and its uuid.
func (g *Group) Ranges(ctx context.Context, name string) (ranges []string, uuid string, err error) {
	out, err := g.query(ctx, "lvm", g.with("lvs", "--reportformat", "json", "-o", "lv_uuid,seg_pe_ranges", g.of(name))...)
	if err != nil {
		return nil, "", err
	}
	segments, err := rows(out, "lv")
	if err != nil || len(segments) == 0 {
		return nil, "", &Error{Command: "lvs", Err: fmt.Errorf("%w: no extents reported", drivers.ErrUnavailable)}
	}
	for _, s := range segments {
		ranges = append(ranges, strings.Fields(s["seg_pe_ranges"])...)
	}
	return ranges, segments[0]["lv_uuid"], nil
}

// Rename gives a volume another name.
func (g *Group) Rename(ctx context.Context, from, to string) error {
	return g.change(ctx, "lvrename", g.name, from, to)
}

// Retag takes tags off and puts others on, at one stroke. Both are as Tag makes them.
func (g *Group) Retag(ctx context.Context, name string, add, remove []string) error {
	args := append(tagArgs("--deltag", remove), tagArgs("--addtag", add)...)
	if len(args) == 0 {
		return nil
	}
	return g.change(ctx, "lvchange", append(args, g.of(name))...)
}

// Activate gives a volume its device, whether or not it is marked to be skipped.
func (g *Group) Activate(ctx context.Context, name string) error {
	return g.change(ctx, "lvchange", "-ay", "-K", g.of(name))
}

// Deactivate takes the device away; ErrBusy while it is open. A thick volume's snapshots go with it.
func (g *Group) Deactivate(ctx context.Context, name string) error {
	return g.change(ctx, "lvchange", "-an", g.of(name))
}

// Refresh loads a volume's tables anew and resumes what a killed command left suspended.
func (g *Group) Refresh(ctx context.Context, name string) error {
	return g.change(ctx, "lvchange", "--refresh", g.of(name))
}

// Merge gives the origin the content of its snapshot, and the snapshot is gone. Both must be inactive: a thin snapshot takes
// its origin's place at once, a thick one is merged from the next activation on, which the caller does at once. (Of an open
// volume LVM would put the merge off to some later day and report success.)
func (g *Group) Merge(ctx context.Context, snapshot string) error {
	return g.change(ctx, "lvconvert", "-y", "--merge", g.of(snapshot))
}

// Poll starts LVM's supervision of a merge again, in case whoever did it was killed.
func (g *Group) Poll(ctx context.Context, name string) error {
	return g.change(ctx, "lvchange", "--poll", "y", g.of(name))
}

// Split makes the store of a thick snapshot a volume of its own; the snapshot is gone, its origin knows nothing of it.
func (g *Group) Split(ctx context.Context, snapshot string) error {
	return g.change(ctx, "lvconvert", "-y", "--splitsnapshot", g.of(snapshot))
}
