package activities

import (
	"context"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// MoveStore is the part of the catalogue that moves volumes.
type MoveStore interface {
	BeginMove(ctx context.Context, projectID, volumeID, operation string, lock, inUse bool, f models.Flow) (models.Volume, error)
	SetMigration(ctx context.Context, volumeID, flowID, status string) error
	FinishMove(ctx context.Context, volumeID, flowID string, m models.Move) (models.Volume, error)
}

// EntryRetype moves the volume to `retyping` and writes the flow's record.
func (r *Records) EntryRetype(ctx context.Context, in flow.EntryMoveInput) (flow.VolumeResult, error) {
	return r.beginMove(ctx, in)
}

// EntryMigrate gives the volume to the flow, its migration_status `starting`, and writes the flow's record.
func (r *Records) EntryMigrate(ctx context.Context, in flow.EntryMoveInput) (flow.VolumeResult, error) {
	return r.beginMove(ctx, in)
}

func (r *Records) beginMove(ctx context.Context, in flow.EntryMoveInput) (flow.VolumeResult, error) {
	f, err := r.begin(ctx, in.Header, in.Operation, in.Request)
	if err != nil {
		return flow.VolumeResult{}, err
	}
	v, err := r.Store.BeginMove(ctx, scope(in.Header), in.ResourceID, string(in.Operation), in.Lock, in.InUse, f)
	return flow.VolumeResult{Volume: v}, catalogueError(err)
}

// EntryMigration shows how far a migration is.
func (r *Records) EntryMigration(ctx context.Context, in flow.EntryMigrationInput) error {
	return catalogueError(r.Store.SetMigration(ctx, in.ResourceID, in.FlowID, in.Status))
}

// EntryRetyped gives the volume its new type, and its new place if it was moved, and sets it free.
func (r *Records) EntryRetyped(ctx context.Context, in flow.EntryMovedInput) error {
	return r.finishMove(ctx, in)
}

// EntryMigrated gives the volume its new place and sets it free.
func (r *Records) EntryMigrated(ctx context.Context, in flow.EntryMovedInput) error {
	return r.finishMove(ctx, in)
}

func (r *Records) finishMove(ctx context.Context, in flow.EntryMovedInput) error {
	_, err := r.Store.FinishMove(ctx, in.ResourceID, in.FlowID, in.Move)
	return catalogueError(err)
}
