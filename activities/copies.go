package activities

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// Copies copies volumes from one backend to another. It runs on a data worker and knows no database.
type Copies struct {
	Mover
	Opener Opener
	// Far opens what is on another host.
	Far *FarOpener
	// StateDir is this host's own folder, where the checkpoints of copies are kept.
	StateDir string
}

// CopyVolume gives the target, which was made for this and holds nothing else, the bytes of the source. It goes on where an attempt
// of the same flow stopped on this host.
func (c *Copies) CopyVolume(ctx context.Context, in flow.CopyInput) error {
	ctx, stop := c.begin(ctx)
	defer stop()
	return c.ended(ctx, in, c.copy(ctx, in))
}

func (c *Copies) copy(ctx context.Context, in flow.CopyInput) error {
	state := c.state(in)
	if err := os.MkdirAll(filepath.Dir(string(state)), 0o700); err != nil {
		return drivers.FileError("keep checkpoint", "mover", in.Source.Name, c.StateDir, err)
	}
	from, done, err := c.source(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	to, release, err := c.target(ctx, in)
	if err != nil {
		return err
	}
	defer release()
	job := backups.Copy{From: from, To: to, Size: int64(in.Source.Size), ID: in.TargetHost + " " + in.Target.Name, State: state}
	return drivers.FileError("copy volume", "mover", in.Source.Name, in.TargetHost, job.Run(ctx))
}

// VerifyVolume reads both and compares them; a difference is certain and final. The checkpoint is needed no more then.
func (c *Copies) VerifyVolume(ctx context.Context, in flow.CopyInput) error {
	ctx, stop := c.begin(ctx)
	defer stop()
	err := c.verify(ctx, in)
	if err == nil {
		err = c.state(in).Remove()
	}
	return c.ended(ctx, in, err)
}

func (c *Copies) verify(ctx context.Context, in flow.CopyInput) error {
	from, done, err := c.source(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	to, release, err := c.read(ctx, in, sized(in), in.TargetHost)
	if err != nil {
		return err
	}
	defer release()
	err = backups.Compare(ctx, from, to, int64(in.Source.Size))
	var differs *backups.DiffersError
	if errors.As(err, &differs) {
		return wire.Error(&flow.Error{
			Type: flow.ErrCertain, Message: differs.Error() + "; the volume stays where it is",
			Hint: "look at the disks of both backends, and at what else may write there",
		})
	}
	return drivers.FileError("compare volume", "mover", in.Source.Name, in.TargetHost, err)
}

func (c *Copies) source(ctx context.Context, in flow.CopyInput) (backups.Source, func(), error) {
	return c.read(ctx, in, in.Source, in.SourceHost)
}

func (c *Copies) target(ctx context.Context, in flow.CopyInput) (backups.Target, func(), error) {
	if in.Far.Host != in.TargetHost {
		return c.Opener.OpenTarget(ctx, sized(in), in.TargetHost, true)
	}
	return c.Far.OpenTarget(ctx, sized(in), in.Far)
}

func (c *Copies) read(ctx context.Context, in flow.CopyInput, v models.StorageVolume, host string) (backups.Source, func(), error) {
	if in.Far.Host != host {
		return c.Opener.OpenSource(ctx, v, host)
	}
	return c.Far.OpenSource(ctx, v, in.Far)
}

// sized is the target as far as the copy goes.
func sized(in flow.CopyInput) models.StorageVolume {
	v := in.Target
	v.Size = in.Source.Size
	return v
}

// ended classes an error, and forgets the checkpoint of a copy that failed for good or was given up.
func (c *Copies) ended(ctx context.Context, in flow.CopyInput, err error) error {
	if err == nil {
		return nil
	}
	err = moverError(ctx, err)
	if wire.Final(err) || errors.Is(err, context.Canceled) {
		_ = c.state(in).Remove() // it is a few bytes, and of use to nobody else
	}
	return err
}

// state is where the copy's checkpoint is kept.
func (c *Copies) state(in flow.CopyInput) backups.StateFile {
	return backups.StateFile(filepath.Join(c.StateDir, "moves", strings.ReplaceAll(in.FlowID, ":", "_")+".json"))
}
