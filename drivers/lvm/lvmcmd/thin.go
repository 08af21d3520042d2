package lvmcmd

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// mapperName is what device-mapper calls a layer of a volume: LVM doubles hyphens, since one joins the parts.
func mapperName(group, volume, layer string) string {
	double := func(s string) string { return strings.ReplaceAll(s, "-", "--") }
	name := double(group) + "-" + double(volume)
	if layer != "" {
		name += "-" + layer
	}
	return name
}

// MetadataHeld tells whether a snapshot of the pool's tables is kept: the seventh word of its status
// (Linux, Documentation/admin-guide/device-mapper/thin-provisioning.rst).
func (g *Group) MetadataHeld(ctx context.Context, pool string) (bool, error) {
	res, err := g.run.Run(ctx, execx.Command{Name: "dmsetup", Args: []string{"status", mapperName(g.name, pool, "tpool")}, Env: g.env})
	if saidAny(err, "Device does not exist") {
		return false, nil // LVM makes this layer with the pool's first volume
	}
	if err != nil {
		return false, classify("dmsetup", err)
	}
	out := res.Stdout
	words := strings.Fields(string(out))
	if len(words) < 7 || words[2] != "thin-pool" {
		return false, &Error{Command: "dmsetup", Err: fmt.Errorf("%w: the thin pool is not active", drivers.ErrUnavailable), Hint: "dmsetup says: " + strings.TrimSpace(string(out))}
	}
	return words[6] != "-", nil
}

// HoldMetadata keeps a snapshot of the pool's tables, of which a pool has one; ErrBusy when there is one.
func (g *Group) HoldMetadata(ctx context.Context, pool string) error {
	return g.message(ctx, pool, "reserve_metadata_snap")
}

// ReleaseMetadata lets it go.
func (g *Group) ReleaseMetadata(ctx context.Context, pool string) error {
	return g.message(ctx, pool, "release_metadata_snap")
}

func (g *Group) message(ctx context.Context, pool, text string) error {
	_, err := g.run.Run(ctx, execx.Command{Name: "dmsetup", Args: []string{"message", mapperName(g.name, pool, "tpool"), "0", text}, Env: g.env, Gentle: true})
	if saidAny(err, "resource busy") {
		return &Error{Command: "dmsetup", Err: fmt.Errorf("%w: a snapshot of the pool's tables is kept already", drivers.ErrBusy), Hint: "another comparison runs, or one was killed: the next start of the storage worker releases it"}
	}
	return classify("dmsetup", err)
}

// Range is a run of bytes.
type Range struct{ Offset, Length int64 }

// Delta lists, in order, what differs between two thin volumes of a pool whose tables are held (HoldMetadata).
func (g *Group) Delta(ctx context.Context, pool string, from, to int) ([]Range, error) {
	return g.compare(ctx, pool, from, to, "different", "left_only", "right_only")
}

// Mapped lists, in order, what a thin volume has blocks for, likewise: it is what it has in common with itself.
func (g *Group) Mapped(ctx context.Context, pool string, id int) ([]Range, error) {
	return g.compare(ctx, pool, id, id, "same")
}

func (g *Group) compare(ctx context.Context, pool string, from, to int, kinds ...string) ([]Range, error) {
	device := "/dev/mapper/" + mapperName(g.name, pool+"_tmeta", "")
	out, err := g.query(ctx, "thin_delta", "-m", "--snap1", strconv.Itoa(from), "--snap2", strconv.Itoa(to), device)
	if err != nil {
		return nil, err
	}
	ranges, err := parseDelta(bytes.NewReader(out), kinds...)
	if err != nil {
		return nil, &Error{Command: "thin_delta", Err: fmt.Errorf("%w: unreadable answer", drivers.ErrUnavailable), Hint: err.Error()}
	}
	return ranges, nil
}

const sector = 512

// parseDelta reads the runs of these kinds in thin_delta's XML. Blocks that only the first volume has were discarded since: they
// differ, too. Runs that overlap or lie beyond any disk are an answer cut up on its way: what they leave out would not be copied.
func parseDelta(r io.Reader, kinds ...string) ([]Range, error) {
	var doc struct {
		Block int64 `xml:"data_block_size,attr"`
		Diff  *struct {
			Runs []struct {
				XMLName xml.Name
				Begin   int64 `xml:"begin,attr"`
				Length  int64 `xml:"length,attr"`
			} `xml:",any"`
		} `xml:"diff"`
	}
	if err := xml.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("thin_delta: %w", err)
	}
	if doc.Block <= 0 || doc.Diff == nil {
		return nil, fmt.Errorf("thin_delta: no difference in its answer")
	}
	var all []Range
	end := int64(0)
	for _, run := range doc.Diff.Runs {
		kind := run.XMLName.Local
		switch {
		case !slices.Contains([]string{"same", "different", "left_only", "right_only"}, kind):
			return nil, fmt.Errorf("thin_delta: unknown kind of run %q", kind)
		case run.Begin < end || run.Length <= 0 || run.Length > math.MaxInt64/sector/doc.Block-run.Begin:
			return nil, fmt.Errorf("thin_delta: a run of %d blocks at %d", run.Length, run.Begin)
		}
		end = run.Begin + run.Length
		if !slices.Contains(kinds, kind) {
			continue
		}
		next := Range{Offset: run.Begin * doc.Block * sector, Length: run.Length * doc.Block * sector}
		if n := len(all); n > 0 && all[n-1].Offset+all[n-1].Length == next.Offset {
			all[n-1].Length += next.Length
			continue
		}
		all = append(all, next)
	}
	return all, nil
}
