package activities

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// CheckStore is the part of the catalogue that the check of attachments uses. Each of its reads is one query of a bounded length.
type CheckStore interface {
	BeginCheck(ctx context.Context, c models.AttachmentCheck) error
	CheckLooks(ctx context.Context, id string, look int) error
	EndCheck(ctx context.Context, c models.AttachmentCheck) error
	// ComputeHosts are the hosts that took a volume in, or answered, since then, and those that have an attachment still.
	ComputeHosts(ctx context.Context, since time.Time) ([]string, error)
	SeeHost(ctx context.Context, name string) error
	ListPools(ctx context.Context) ([]models.PoolView, error)
	// MoveFlows reads ids, volumes and states of the flows that moved a volume.
	MoveFlows(ctx context.Context) ([]models.Flow, error)
	// VolumesStored reads the volumes that bear, or bore before they were moved, one of those ids at their backends.
	VolumesStored(ctx context.Context, ids []string) ([]models.Volume, error)
	AttachedIn(ctx context.Context, r models.AttachedRange) ([]models.AttachedRow, error)
	WaitingAttachments(ctx context.Context, before time.Time, after string, limit int) ([]models.AttachedRow, error)

	SaveDifferences(ctx context.Context, look int, found []models.AttachmentDifference) error
	AnyDifference(ctx context.Context, checkID string) (bool, error)
	Differences(ctx context.Context, q models.DifferenceQuery) ([]models.AttachmentDifference, error)
	CrowdedPlaces(ctx context.Context, checkID string, atOnce int) ([]string, error)
	SettleDifference(ctx context.Context, id, outcome, flowID string) error

	GetVolume(ctx context.Context, projectID, id string) (models.Volume, error)
	// StrayAttachment writes an attachment in error_detaching for what was found without one; ErrExists where somebody is at work on the volume.
	StrayAttachment(ctx context.Context, a models.Attachment) (models.Attachment, error)
	BeginDetach(ctx context.Context, projectID, id, operation string, record func(models.Detaching) (models.Flow, error)) (models.Detaching, bool, error)
	MessageStore
}

// Checks has the catalogue's part in the check of attachments.
type Checks struct {
	Store  CheckStore
	Engine interface {
		// Restart starts a flow from its record.
		Restart(ctx context.Context, f models.Flow) error
	}
	Names      flow.Names
	HoldHours  int // flow_hold_hours
	MessageTTL time.Duration
}

const (
	// clientPatience is how long an attachment may wait for its client before that is told.
	clientPatience = 24 * time.Hour
	// hostMemory is for how long a host without attachments is asked that does not answer any more.
	hostMemory = 90 * 24 * time.Hour
	// recordPage is how many attachments are read at once.
	recordPage = 500
	// leftAtOnce bounds how many leftovers of moves are looked for: those of the latest.
	leftAtOnce = 200
)

// BeginCheck has a record for a check, and notes which look begins.
func (c *Checks) BeginCheck(ctx context.Context, in flow.CheckRef) (flow.CheckRef, error) {
	if in.CheckID == "" {
		in.CheckID = uuid.NewString()
		if err := c.Store.BeginCheck(ctx, models.AttachmentCheck{ID: in.CheckID, Mend: in.Mend}); err != nil {
			return in, catalogueError(err)
		}
	}
	return in, catalogueError(c.Store.CheckLooks(ctx, in.CheckID, in.Look))
}

// FindPlaces tells whom to ask, backends first, each kind sorted by name.
func (c *Checks) FindPlaces(ctx context.Context, _ flow.CheckRef) (flow.FoundPlaces, error) {
	var out flow.FoundPlaces
	pools, err := c.Store.ListPools(ctx)
	if err != nil {
		return out, catalogueError(err)
	}
	var backends []string
	for _, p := range pools {
		backend, _ := flow.SplitHost(p.Name)
		backends = append(backends, backend)
	}
	slices.Sort(backends)
	for _, b := range slices.Compact(backends) {
		out.Places = append(out.Places, flow.Place{Kind: flow.AtBackend, Name: b})
	}
	hosts, err := c.Store.ComputeHosts(ctx, time.Now().Add(-hostMemory))
	if err != nil {
		return out, catalogueError(err)
	}
	slices.Sort(hosts) // whatever the database's order of letters
	for _, h := range hosts {
		out.Places = append(out.Places, flow.Place{Kind: flow.AtHost, Name: h})
	}
	out.Left, err = c.left(ctx)
	return out, catalogueError(err)
}

// CompareExports compares a page of a backend's exports with the records of that range.
func (c *Checks) CompareExports(ctx context.Context, in flow.CompareInput) error {
	x := flow.NewExported(in.Exports)
	found, err := c.records(ctx, models.AttachedRange{Backend: in.Place, After: in.After, UpTo: in.UpTo}, func(rows []flow.AttachedRow) []flow.Difference {
		return x.Compare(in.Place, rows)
	})
	if err != nil {
		return err
	}
	strays, err := c.owned(ctx, x.Strays(in.Place, in.Exports))
	if err != nil {
		return err
	}
	return c.save(ctx, in.CheckRef, append(found, strays...))
}

// CompareHost compares a page of what a host has taken in with the records of that range.
func (c *Checks) CompareHost(ctx context.Context, in flow.CompareInput) error {
	t := flow.NewTaken(in.Taken)
	found, err := c.records(ctx, models.AttachedRange{Host: in.Place, After: in.After, UpTo: in.UpTo}, func(rows []flow.AttachedRow) []flow.Difference {
		return t.Compare(in.Place, rows)
	})
	if err != nil {
		return err
	}
	strays, err := c.owned(ctx, t.Strays(in.Place, in.Taken))
	if err != nil {
		return err
	}
	if in.After == "" {
		if err := c.Store.SeeHost(ctx, in.Place); err != nil {
			return catalogueError(err)
		}
	}
	return c.save(ctx, in.CheckRef, append(found, strays...))
}

// CompareAges finds what a client has left lying. It is told, and never mended: behind it may be a living guest.
func (c *Checks) CompareAges(ctx context.Context, in flow.CheckRef) error {
	before := time.Now().Add(-clientPatience)
	for after := ""; ; {
		rows, err := c.Store.WaitingAttachments(ctx, before, after, recordPage)
		if err != nil {
			return catalogueError(err)
		}
		var found []flow.Difference
		for _, r := range rows {
			backend, _ := flow.SplitHost(r.VolumeHost)
			found = append(found, flow.Difference{Kind: flow.Waiting, Place: backend, VolumeID: r.VolumeID, ProjectID: r.ProjectID, Attachment: r.ID})
			after = r.ID
		}
		if err := c.save(ctx, in, found); err != nil || len(rows) < recordPage {
			return err
		}
	}
}

// records reads a range of records, page by page, and gathers what compare finds in them.
func (c *Checks) records(ctx context.Context, r models.AttachedRange, compare func([]flow.AttachedRow) []flow.Difference) (found []flow.Difference, err error) {
	for r.Limit = recordPage; ; {
		page, err := c.Store.AttachedIn(ctx, r)
		if err != nil {
			return nil, catalogueError(err)
		}
		rows := make([]flow.AttachedRow, len(page))
		for i := range page {
			if rows[i], err = attachedRow(&page[i]); err != nil {
				return nil, catalogueError(err)
			}
		}
		if found = append(found, compare(rows)...); len(page) < recordPage {
			return found, nil
		}
		last := &page[len(page)-1]
		r.PastKey, r.PastID = last.StorageID, last.ID
	}
}

func attachedRow(r *models.AttachedRow) (flow.AttachedRow, error) {
	host, err := r.Host()
	row := flow.AttachedRow{
		ID: r.ID, VolumeID: r.VolumeID, StorageID: r.StorageID, ProjectID: r.ProjectID, Status: r.Status, Initiator: host.Initiator,
		HostNode: flow.NodeOf(r.Connector), Busy: r.FlowID != "" || r.VolumeFlowID != "",
	}
	if r.Connection != nil {
		row.Protocol = r.Connection.DriverVolumeType
	}
	return row, err
}

func (c *Checks) save(ctx context.Context, in flow.CheckRef, found []flow.Difference) error {
	rows := make([]models.AttachmentDifference, len(found))
	for i, d := range found {
		var err error
		if rows[i], err = d.Row(in.CheckID); err != nil {
			return catalogueError(err)
		}
	}
	return catalogueError(c.Store.SaveDifferences(ctx, in.Look, rows))
}

// AnythingDiffers tells whether a second look is needed.
func (c *Checks) AnythingDiffers(ctx context.Context, in flow.CheckRef) (flow.AnythingDiffersResult, error) {
	found, err := c.Store.AnyDifference(ctx, in.CheckID)
	return flow.AnythingDiffersResult{Any: found}, catalogueError(err)
}

// EndCheck ends the record of a check.
func (c *Checks) EndCheck(ctx context.Context, in flow.EndCheckInput) error {
	slices.Sort(in.Unanswered)
	end := models.AttachmentCheck{ID: in.CheckID, State: models.CheckDone, Places: int64(in.Answered), Unanswered: in.Unanswered, Error: in.Error}
	if in.Error != "" {
		end.State = models.CheckFailed
	}
	return catalogueError(c.Store.EndCheck(ctx, end))
}
