package v3

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Microversions from which backups have metadata, and take an availability zone.
const (
	sinceBackupMetadata = 43
	sinceBackupZone     = 51
)

// createBackup starts backup-create and answers 202 as soon as the flow has written the row.
func (a *API) createBackup(c *Call) error {
	in, err := a.readBackupCreate(c)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(a.AcceptWait)
	if in.Quiesce != flow.QuiesceNo { // hosts are asked before anything is written
		deadline = time.Now().Add(a.AttachWait)
	}
	key, err := c.idempotencyKey()
	if err != nil {
		return err
	}
	v, err := a.Store.GetVolume(c.Context(), c.Reach(), in.VolumeID)
	if err != nil {
		return notFound(err, "volume", in.VolumeID)
	}
	inUse := in.SnapshotID == "" && v.Status == models.VolumeInUse
	if in.Quiesce == flow.QuiesceRequired && in.SnapshotID != "" {
		return fault.BadRequest("Invalid backup: snapshot %s is what it is; only a backup of the volume itself can have its guests hold still, leave clinker:quiesce out", in.SnapshotID)
	}
	if inUse && !in.Force {
		return fault.BadRequest("Backing up an in-use volume must use the force flag: volume %s is in-use", v.ID)
	}
	if err := a.needDataWorker(c); err != nil {
		return err
	}
	start := a.backupStart(c, in, &v, inUse, deadline)
	ctx := context.WithoutCancel(c.Context())
	var b models.Backup
	flowID, err := a.once(ctx, c, key, start, deadline, keyed{
		what: "backup", request: "POST /backups",
		find: func(ctx context.Context, projectID, id string) (err error) {
			b, err = a.Store.GetBackup(ctx, projectID, id)
			return err
		},
		run: func() (err error) {
			b, err = a.runBackup(ctx, c, start, deadline)
			return err
		},
	})
	if err != nil {
		return err
	}
	c.Started(flowID)
	return a.answerBackup(c, http.StatusAccepted, &b, (*backupWriter).brief)
}

// runBackup returns the row that a flow has written.
func (a *API) runBackup(ctx context.Context, c *Call, s flow.Start, deadline time.Time) (models.Backup, error) {
	var result flow.BackupResult
	late := func(ctx context.Context) error {
		row, err := a.Store.GetBackup(ctx, s.Header.ProjectID, s.Header.ResourceID)
		result.Backup = row
		return err
	}
	err := a.accept(ctx, c, s, &result, deadline, late)
	return result.Backup, err
}

func (a *API) backupStart(c *Call, in flow.BackupCreateInput, v *models.Volume, temporary bool, acceptBy time.Time) flow.Start {
	in.Header = a.header(c, flow.BackupCreate, c.Project(), uuid.NewString())
	in.AcceptBy = acceptBy.UTC()
	in.Tasks = flow.BackupCreateTasks(temporary)
	kind := "full"
	if in.Incremental {
		kind = "incremental"
	}
	in.Summary = fmt.Sprintf("%s backup %s of volume %s", kind, shownName(in.Name, in.ResourceID), shownName(v.Name, v.ID))
	if in.Quiesce != flow.QuiesceNo {
		in.Summary += ", its guests holding still"
	}
	if in.SnapshotID != "" {
		in.Summary += " as snapshot " + in.SnapshotID + " has it"
	}
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: flow.BackupCreate, Header: in.Header, Kind: flow.KindBackup, Backend: backend, Input: in}
}

func (a *API) readBackupCreate(c *Call) (flow.BackupCreateInput, error) {
	var in flow.BackupCreateInput
	f, err := c.Body("backup", true)
	if err != nil {
		return in, err
	}
	if in.VolumeID = f.UUID("volume_id"); in.VolumeID == "" {
		f.Fail("%s is needed", f.name("volume_id"))
	}
	in.SnapshotID = f.UUID("snapshot_id")
	name, description := readNames(f)
	in.Name, in.Description = deref(name), deref(description)
	in.Container = deref(f.Text("container", 0, 255))
	if in.Container == a.BackupContainer {
		in.Container = ""
	}
	if in.Container != "" {
		f.Fail("container %q is not known: this service's backups are in %q; leave it out", clip(in.Container), a.BackupContainer)
	}
	yes := func(b *bool) bool { return b != nil && *b }
	in.Incremental, in.Force = yes(f.Bool("incremental")), yes(f.Bool("force"))
	in.Quiesce = deref(f.Choice("clinker:quiesce", flow.QuiesceRequired, flow.QuiesceIfPossible))
	if c.At(sinceBackupMetadata) {
		in.Metadata = f.Metadata("metadata")
	}
	if c.At(sinceBackupZone) {
		in.AvailabilityZone = deref(f.Text("availability_zone", 1, 255))
	}
	if err := f.End(true); err != nil {
		return in, err
	}
	return in, checkMetadataSize(in.Metadata)
}
