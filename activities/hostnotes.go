package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/flow"
)

// noteOf is the file that says that this host worker has, or may have, a volume. It is written before the volume comes and goes after it, so that
// what others attached here, Nova among them, is never taken for ours.
func (a *Host) noteOf(volumeID string) (backups.StateFile, error) {
	if err := hypervisors.CheckID(volumeID); err != nil {
		return "", err
	}
	return backups.StateFile(filepath.Join(a.StateDir, volumeID+".json")), nil
}

// note writes it. Secrets are not in it.
func (a *Host) note(in flow.HostInput) error {
	if a.StateDir == "" {
		return nil
	}
	file, err := a.noteOf(in.VolumeID)
	if err != nil {
		return drivers.FileError("note", "host", in.VolumeID, "", err)
	}
	text, err := json.Marshal(flow.AttachedHost{HostNode: flow.HostNode{Instance: in.Instance}, Connection: shown(in.Connection)})
	if err == nil {
		err = os.MkdirAll(a.StateDir, 0o700)
	}
	if err == nil {
		err = file.Save(text)
	}
	return drivers.FileError("note", "host", in.VolumeID, string(file), err)
}

// forget takes the note away once the volume is gone.
func (a *Host) forget(in flow.HostInput) error {
	if a.StateDir == "" {
		return nil
	}
	file, err := a.noteOf(in.VolumeID)
	if err != nil {
		return err
	}
	return drivers.FileError("forget", "host", in.VolumeID, string(file), file.Remove())
}

// ListTaken tells what this host worker has brought here, and whether the host and the guests show it still. What can't be found out is not held
// against it.
func (a *Host) ListTaken(ctx context.Context, in flow.ListInput) (flow.TakenPage, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	var page flow.TakenPage
	entries, err := os.ReadDir(a.StateDir) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return page, driverError(ctx, drivers.FileError("list", "host", "", a.StateDir, err))
	}
	about, err := a.properties(ctx)
	if err != nil {
		return page, driverError(ctx, err)
	}
	for _, e := range entries {
		id, isNote := strings.CutSuffix(e.Name(), ".json")
		if !isNote || id <= in.After {
			continue
		}
		if page.More = len(page.Volumes) == listPage; page.More {
			break
		}
		v := flow.TakenVolume{VolumeID: id, Initiator: about.Connector.Initiator}
		text, err := os.ReadFile(filepath.Join(a.StateDir, e.Name()))
		if err != nil || json.Unmarshal(text, &v.AttachedHost) != nil {
			continue // it has just gone, or is not ours
		}
		a.look(ctx, &v)
		page.Volumes = append(page.Volumes, v)
	}
	return page, nil
}

// look compares a note with the host and the guest.
func (a *Host) look(ctx context.Context, v *flow.TakenVolume) {
	if v.Instance == "" || !a.Hypervisor.Direct(v.Connection) {
		_, err := a.Connectors.Extend(ctx, v.Connection)
		v.Lost = errors.Is(err, drivers.ErrNotFound)
	}
	if v.Instance != "" {
		plugged, err := a.Hypervisor.Plugged(ctx, v.Instance) // a guest that is off has nothing plugged, and gets it when it starts
		v.Unplugged = err == nil && !slices.Contains(plugged, v.VolumeID)
	}
}
