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
)

// Copies copies volumes from one backend to another. It runs on a data worker and knows no database.
type Copies struct {
	Mover
	Opener Opener
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
	from, to, release, err := c.open(ctx, in, WriteFresh)
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
	from, to, release, err := c.open(ctx, in, Read)
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

// open opens both, the source first.
func (c *Copies) open(ctx context.Context, in flow.CopyInput, access Access) (from, to *backups.Device, release func(), err error) {
	from, done, err := c.Opener.Open(ctx, in.Source, in.SourceHost, Read)
	if err != nil {
		return nil, nil, nil, err
	}
	target := in.Target
	target.Size = in.Source.Size
	to, doneToo, err := c.Opener.Open(ctx, target, in.TargetHost, access)
	if err != nil {
		done()
		return nil, nil, nil, err
	}
	return from, to, func() { doneToo(); done() }, nil
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
