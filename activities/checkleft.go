package activities

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// copyID is the id that a volume has at its new backend, once a flow has moved it there (ADR 0013).
func copyID(flowID string) string { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(flowID)).String() }

// owned gives strays the volumes that they are of, and leaves out those that a flow is at work on: a mover lets its own host in, and has no attachment.
func (c *Checks) owned(ctx context.Context, strays []flow.Difference) ([]flow.Difference, error) {
	if len(strays) == 0 {
		return nil, nil
	}
	var ids []string
	for _, d := range strays {
		ids = append(ids, d.StorageID+d.VolumeID) // one of the two is set
	}
	volumes, err := c.Store.VolumesStored(ctx, slices.Compact(ids))
	if err != nil {
		return nil, catalogueError(err)
	}
	by := map[string]models.Volume{}
	for _, v := range volumes {
		by[v.ID] = v
	}
	for _, v := range volumes { // where both bear it, it is that of the one that has it now
		by[c.Names.StorageVolume(v).ID] = v
	}
	var copies map[string]models.Flow
	var out []flow.Difference
	for _, d := range strays {
		v, known := by[d.StorageID+d.VolumeID]
		if !known && d.Kind == flow.StrayExport {
			if copies == nil {
				if copies, err = c.copies(ctx); err != nil {
					return nil, err
				}
			}
			if f, ok := copies[d.StorageID]; ok {
				if f.State.Open() {
					continue
				}
				d.Kind, d.VolumeID = flow.MovedExport, f.ResourceID
				if v, err = c.Store.GetVolume(ctx, "", f.ResourceID); err != nil && !isNotFound(err) {
					return nil, catalogueError(err)
				}
				known = err == nil
			}
		}
		switch {
		case !known && d.Kind == flow.StrayHost:
			continue // of no volume in the catalogue, and movers take in what has none: never touched (data-safety rule 3)
		case !known: // nobody's flow can take it away
			d.Kind, d.Mend = flow.UnknownExport, false
		case v.FlowID != "":
			continue
		case d.StorageID != "" && c.Names.StorageVolume(v).ID != d.StorageID:
			d.Kind = flow.MovedExport
		}
		if known {
			d.VolumeID, d.ProjectID = v.ID, v.ProjectID
		}
		out = append(out, d)
	}
	return out, nil
}

// copies are the flows that moved a volume, or were to, by the id that its copy has at its backend.
func (c *Checks) copies(ctx context.Context) (map[string]models.Flow, error) {
	flows, err := c.Store.MoveFlows(ctx)
	if err != nil {
		return nil, catalogueError(err)
	}
	by := map[string]models.Flow{}
	for _, f := range flows {
		by[copyID(f.ID)] = f
	}
	return by, nil
}

// left are the ids at a backend of what moves may have left there: the copy of one that came to nothing, and what the volume was before one that did
// not get to its end. Moves that ended well leave nothing.
func (c *Checks) left(ctx context.Context) ([]string, error) {
	flows, err := c.Store.MoveFlows(ctx)
	if err != nil {
		return nil, err
	}
	moves := map[string][]models.Flow{}
	for _, f := range flows {
		moves[f.ResourceID] = append(moves[f.ResourceID], f)
	}
	var ids []string
	for _, f := range flows {
		under := slices.ContainsFunc(moves[f.ResourceID], func(m models.Flow) bool { return m.State.Open() }) // it may be removing the source right now
		if under || f.State == models.FlowSuccess || f.State == models.FlowAbandoned || len(ids) >= leftAtOnce {
			continue
		}
		ids = append(ids, f.ResourceID)
		for _, m := range moves[f.ResourceID] {
			ids = append(ids, copyID(m.ID))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// CompareLeft keeps of the volumes that a node has, out of those that moves may have left, the ones that are no volume's any more.
func (c *Checks) CompareLeft(ctx context.Context, in flow.CompareInput) error {
	volumes, err := c.Store.VolumesStored(ctx, in.Left)
	if err != nil {
		return catalogueError(err)
	}
	copies, err := c.copies(ctx)
	if err != nil {
		return err
	}
	var found []flow.Difference
	for _, id := range in.Left {
		d := flow.Difference{Kind: flow.LeftByMove, Place: in.Place, VolumeID: id, StorageID: id}
		if f, ok := copies[id]; ok {
			d.VolumeID = f.ResourceID
		}
		lives := false
		for _, v := range volumes {
			lives = lives || c.Names.StorageVolume(v).ID == id || (v.ID == d.VolumeID && v.FlowID != "")
			if v.ID == d.VolumeID {
				d.ProjectID = v.ProjectID
			}
		}
		if !lives {
			found = append(found, d)
		}
	}
	return c.save(ctx, in.CheckRef, found)
}
