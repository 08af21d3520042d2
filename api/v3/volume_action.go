package v3

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func (a *API) volumeActionRoutes() []Route {
	return []Route{{Method: http.MethodPost, Path: "/volumes/:volume_id/action", Handle: a.volumeAction, ByAction: rulesOf(volumeActions), Of: a.ofVolume}}
}

// volumeActions lists Cinder's actions. Those without run are known, so that a client learns that they come later.
var volumeActions = map[string]actionSpec[models.Volume]{
	"os-extend":               {run: (*API).extendVolume, rule: "volume:extend"},
	"os-reset_status":         {run: (*API).resetVolume, rule: "volume_extension:volume_admin_actions:reset_status"},
	"os-force_delete":         {run: (*API).forceDeleteVolume, rule: "volume_extension:volume_admin_actions:force_delete", any: true},
	"os-set_bootable":         {run: (*API).setBootable, rule: ruleVolumeUpdate},
	"os-update_readonly_flag": {run: (*API).setReadonly, rule: "volume:update_readonly_flag"},
	"os-unmanage":             {run: (*API).unmanageVolume, rule: ruleVolumeUnmanage, any: true},
	"os-retype":               {run: (*API).retypeVolume, rule: "volume:retype"},
	"os-migrate_volume":       {run: (*API).migrateVolume, rule: "volume_extension:volume_admin_actions:migrate_volume"},
	"revert":                  {run: (*API).revertVolume, rule: "volume:revert_to_snapshot", min: 40},

	"os-reserve":                   {run: moved(AttachmentStore.ReserveVolume), rule: "volume_extension:volume_actions:reserve", any: true},
	"os-unreserve":                 {run: moved(AttachmentStore.UnreserveVolume), rule: "volume_extension:volume_actions:unreserve", any: true},
	"os-begin_detaching":           {run: moved(AttachmentStore.BeginDetaching), rule: "volume_extension:volume_actions:begin_detaching", any: true},
	"os-roll_detaching":            {run: moved(AttachmentStore.RollDetaching), rule: "volume_extension:volume_actions:roll_detaching", any: true},
	"os-attach":                    {run: (*API).attachVolume, rule: "volume_extension:volume_actions:attach"},
	"os-detach":                    {run: (*API).detachVolume, rule: "volume_extension:volume_actions:detach"},
	"os-initialize_connection":     {run: (*API).initializeConnection, rule: "volume_extension:volume_actions:initialize_connection"},
	"os-terminate_connection":      {run: (*API).terminateConnection, rule: "volume_extension:volume_actions:terminate_connection"},
	"os-force_detach":              {run: (*API).forceDetachVolume, rule: "volume_extension:volume_admin_actions:force_detach"},
	"clinker-attach":               {run: (*API).attachToHost, rule: "volume:host_attach"},
	"clinker-detach":               {run: (*API).detachFromHost, rule: "volume:host_detach"},
	"os-migrate_volume_completion": {rule: "volume_extension:volume_admin_actions:migrate_volume_completion"},
	"os-extend_volume_completion":  {rule: "volume_extension:volume_admin_actions:extend_volume_completion", min: 71},
	"os-volume_upload_image":       {rule: "volume_extension:volume_actions:upload_image"},
	"os-set_image_metadata":        {rule: "volume_extension:volume_image_metadata:set"},
	"os-unset_image_metadata":      {rule: "volume_extension:volume_image_metadata:remove"},
	"os-show_image_metadata":       {rule: ruleVolumeMetadata},
	"os-reimage":                   {rule: "volume:reimage", min: 68},
}

func (a *API) volumeAction(c *Call) error { return act(a, c, volumeActions, a.volume) }

// extendVolume starts volume-extend; attached volumes only from 3.42.
func (a *API) extendVolume(c *Call, v models.Volume, f *Fields) error {
	size := f.Int("new_size", 1, maxSizeGiB)
	if size == nil {
		f.Fail("os-extend.new_size is needed")
	}
	if err := f.End(true); err != nil {
		return err
	}
	if *size <= v.SizeGiB {
		return fault.BadRequest("new_size %d is not larger than the volume's %d GiB; a volume can only grow", *size, v.SizeGiB)
	}
	deadline := time.Now().Add(a.AcceptWait)
	in := flow.VolumeExtendInput{
		Header: a.header(c, flow.VolumeExtend, v.ProjectID, v.ID), NewSizeGiB: *size, InUse: c.At(42),
	}
	in.AcceptBy = deadline.UTC()
	in.Tasks = flow.VolumeExtendTasks()
	in.Summary = fmt.Sprintf("extend volume %s from %d to %d GiB", shownName(v.Name, v.ID), v.SizeGiB, *size)
	backend, _ := flow.SplitHost(v.Host)
	s := flow.Start{Operation: flow.VolumeExtend, Header: in.Header, Kind: flow.KindVolume, Backend: backend, Input: in}
	late := func(context.Context) error { return nil } // the record is there, so the row was extending: nothing to fetch
	if err := a.accept(context.WithoutCancel(c.Context()), c, s, new(flow.VolumeResult), deadline, late); err != nil {
		return err
	}
	c.Started(s.Header.FlowID)
	return c.Empty(http.StatusAccepted)
}

func (a *API) forceDeleteVolume(c *Call, v models.Volume, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	return a.remove(c, v, removal{force: true})
}

func (a *API) setBootable(c *Call, v models.Volume, f *Fields) error {
	bootable := f.Bool("bootable")
	if bootable == nil {
		f.Fail("os-set_bootable.bootable is needed")
	}
	if err := f.End(true); err != nil {
		return err
	}
	if _, err := a.Store.UpdateVolume(c.Context(), c.Reach(), v.ID, models.VolumePatch{Bootable: bootable}); err != nil {
		return notFound(err, "volume", v.ID)
	}
	return c.Empty(http.StatusOK)
}

func (a *API) setReadonly(c *Call, v models.Volume, f *Fields) error {
	readonly := f.Bool("readonly")
	if readonly == nil {
		f.Fail("os-update_readonly_flag.readonly is needed")
	}
	if err := f.End(true); err != nil {
		return err
	}
	if rule := models.Transition(models.OpVolumeReadonly); !rule.Allows(v.Status) {
		return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(false)}
	}
	if _, err := a.Store.UpdateVolume(c.Context(), c.Reach(), v.ID, models.VolumePatch{Readonly: readonly}); err != nil {
		return notFound(err, "volume", v.ID)
	}
	return c.Empty(http.StatusAccepted)
}

// resetVolume writes statuses without asking the backend. A flow that holds the volume is aborted first, so that it can't
// write over what the operator says.
func (a *API) resetVolume(c *Call, v models.Volume, f *Fields) error {
	reset, err := readReset(f, &v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	if _, err := a.giveUpHeld(ctx, v.ID, v.FlowID, false, "the volume's status is reset, by "+c.Identity.UserID); err != nil {
		return err
	}
	if _, err := a.Store.ResetVolume(ctx, v.ID, reset); err != nil {
		return notFound(err, "volume", v.ID)
	}
	return c.Empty(http.StatusAccepted)
}

func readReset(f *Fields, v *models.Volume) (models.StatusReset, error) {
	var r models.StatusReset
	var words []string
	for _, s := range models.VolumeStatuses() {
		if models.ResettableTo(s) {
			words = append(words, string(s))
		}
	}
	if s := f.lower("status", words...); s != nil {
		status := models.VolumeStatus(*s)
		if status == models.VolumeInUse && v.AttachStatus != models.AttachAttached {
			f.Fail("volume %s has no attachments; its status can't be reset to in-use", v.ID)
		}
		r.Status = &status
	}
	if s := f.lower("attach_status", string(models.AttachAttached), string(models.AttachDetached)); s != nil {
		attach := models.AttachStatus(*s)
		r.AttachStatus = &attach
	}
	if s := f.lower("migration_status", "migrating", "error", "success", "completing", "none", "starting"); s != nil {
		if *s == "none" {
			*s = ""
		}
		r.MigrationStatus = s
	}
	if r == (models.StatusReset{}) {
		f.Fail("os-reset_status must have at least one of status, attach_status, migration_status")
	}
	return r, f.End(true)
}

// lower is Choice without regard to case, as Cinder takes statuses.
func (f *Fields) lower(key string, words ...string) *string {
	s := f.Text(key, 0, 255)
	if s == nil {
		return nil
	}
	l := strings.ToLower(*s)
	if !slices.Contains(words, l) {
		f.Fail("%s %q is not valid; it must be one of %s", f.name(key), clip(*s), strings.Join(words, ", "))
		return nil
	}
	return &l
}

// resetTo reads the body of an os-reset_status that has a status alone.
func (f *Fields) resetTo(words []string) (string, error) {
	status := f.lower("status", words...)
	if status == nil {
		f.Fail("os-reset_status.status is needed")
	}
	if err := f.End(true); err != nil {
		return "", err
	}
	return *status, nil
}
