package v3

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// restoreBackup restores into the volume that the body names, else into a new one, which takes the name of the body. It answers as soon
// as the flow has written its rows, where Cinder waits for the new volume.
func (a *API) restoreBackup(c *Call) error {
	deadline := time.Now().Add(a.AcceptWait)
	f, err := c.Body("restore", true)
	if err != nil {
		return err
	}
	volumeID, name := f.UUID("volume_id"), deref(f.Text("name", 0, 255))
	if err := f.End(true); err != nil {
		return err
	}
	b, err := a.backup(c)
	if err != nil {
		return err
	}
	if b.Status != models.BackupAvailable {
		return fault.BadRequest("Invalid backup: backup %s is %s; it must be available to be restored", b.ID, b.Status)
	}
	if err := a.needDataWorker(c); err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Context())
	var v models.Volume
	var start flow.Start
	if volumeID == "" {
		start = a.restoreNewStart(c, &b, name, deadline)
		v, err = a.runVolumeCreate(ctx, c, start, deadline)
	} else {
		if v, err = a.restorable(c, &b, volumeID); err != nil {
			return err
		}
		start = a.restoreStart(c, &b, &v, deadline)
		v, err = a.runRestore(ctx, c, start, v, deadline)
	}
	if err != nil {
		return err
	}
	c.Started(start.Header.FlowID)
	return c.JSON(http.StatusAccepted, map[string]restoreView{"restore": {b.ID, v.ID, v.Name}})
}

type restoreView struct {
	BackupID   string `json:"backup_id"`
	VolumeID   string `json:"volume_id"`
	VolumeName string `json:"volume_name"`
}

// restorable finds the volume and refuses, in Cinder's words, what the flow would refuse too.
func (a *API) restorable(c *Call, b *models.Backup, volumeID string) (models.Volume, error) {
	v, err := a.Store.GetVolume(c.Context(), c.Reach(), volumeID)
	rule := models.Transition(models.OpBackupRestore)
	switch {
	case err != nil:
		return v, notFound(err, "volume", volumeID)
	case !rule.Allows(v.Status):
		return v, fault.BadRequest("Invalid volume: Volume to be restored to must be available: volume %s is %s", v.ID, v.Status)
	case v.SizeGiB < b.SizeGiB:
		return v, fault.BadRequest("Invalid volume: volume size %d is too small to restore backup of size %d.", v.SizeGiB, b.SizeGiB)
	}
	return v, nil
}

func (a *API) restoreStart(c *Call, b *models.Backup, v *models.Volume, acceptBy time.Time) flow.Start {
	in := flow.BackupRestoreInput{Header: a.header(c, flow.BackupRestore, c.Project(), b.ID), VolumeID: v.ID}
	in.AcceptBy = acceptBy.UTC()
	in.Tasks = flow.BackupRestoreTasks()
	in.Summary = "restore backup " + shownName(b.Name, b.ID) + " into volume " + shownName(v.Name, v.ID)
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: flow.BackupRestore, Header: in.Header, Kind: flow.KindBackup, Backend: backend, Input: in}
}

// runRestore returns the volume's row as the flow has it.
func (a *API) runRestore(ctx context.Context, c *Call, s flow.Start, v models.Volume, deadline time.Time) (models.Volume, error) {
	var result flow.VolumeResult
	late := func(ctx context.Context) error {
		row, err := a.Store.GetVolume(ctx, "", v.ID)
		result.Volume = row
		return err
	}
	err := a.accept(ctx, c, s, &result, deadline, late)
	return result.Volume, err
}

// restoreNewStart is a volume-create from the backup. A volume without a name gets Cinder's.
func (a *API) restoreNewStart(c *Call, b *models.Backup, name string, acceptBy time.Time) flow.Start {
	in := flow.VolumeCreateInput{Name: name, BackupID: b.ID, SizeGiB: b.SizeGiB}
	if name == "" {
		in.Name = "restore_backup_" + b.ID
	}
	in.Header = a.header(c, flow.VolumeCreate, c.Project(), uuid.NewString())
	in.AcceptBy = acceptBy.UTC()
	in.Tasks = flow.VolumeFromBackupTasks()
	in.Summary = "restore backup " + shownName(b.Name, b.ID) + " into new volume " + shownName(in.Name, in.ResourceID)
	in.MaxAttempts = a.MaxAttempts
	return flow.Start{Operation: flow.VolumeCreate, Header: in.Header, Kind: flow.KindVolume, Input: in}
}
