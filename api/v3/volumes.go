package v3

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// VolumeStore is what volumes need of the catalogue; projectID "" means any project.
type VolumeStore interface {
	GetVolume(ctx context.Context, projectID, id string) (models.Volume, error)
	ListVolumes(ctx context.Context, q models.VolumeQuery) ([]models.Volume, error)
	CountVolumes(ctx context.Context, q models.VolumeQuery) (int64, error)
	SummarizeVolumes(ctx context.Context, q models.VolumeQuery, withMetadata bool) (models.VolumeSummary, error)
	// UpdateVolume changes name, description, flags, and replaces metadata; *models.StatusError in maintenance.
	UpdateVolume(ctx context.Context, projectID, id string, p models.VolumePatch) (models.Volume, error)
	// EditVolumeMetadata lets edit change the metadata with the row locked; edit's error is returned as it is.
	EditVolumeMetadata(ctx context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error)
	// ResetVolume writes statuses without asking, and takes the volume away from whatever flow owned it.
	ResetVolume(ctx context.Context, id string, r models.StatusReset) (models.Volume, error)
	// BeginDelete moves the row to deleting and inserts the flow's record; it returns the row as it was before.
	BeginDelete(ctx context.Context, projectID, volumeID string, force bool, f models.Flow) (models.Volume, error)
	// BeginDeleteCascade is BeginDelete with all snapshots of the volume, BeginUnmanage one that leaves the data where it is.
	BeginDeleteCascade(ctx context.Context, projectID, volumeID string, force bool, f models.Flow) (models.Volume, error)
	BeginUnmanage(ctx context.Context, projectID, volumeID string, f models.Flow) (models.Volume, error)
	// UndoBeginDelete takes one of these back, before the flow is started.
	UndoBeginDelete(ctx context.Context, volumeID, flowID string) error
	VolumeReverter
}

func (a *API) volumeRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/volumes", Handle: a.listVolumes, Rule: ruleVolumeList},
		{Method: http.MethodPost, Path: "/volumes", Handle: a.createVolume, Rule: ruleVolumeCreate},
		{Method: http.MethodGet, Path: "/volumes/detail", Handle: a.listVolumesDetail, Rule: ruleVolumeList},
		{Method: http.MethodGet, Path: "/volumes/summary", Handle: a.summarizeVolumes, Rule: ruleVolumeList, Min: 12},
		{Method: http.MethodGet, Path: "/volumes/:volume_id", Handle: a.showVolume, Rule: ruleVolumeShow, Of: a.ofVolume},
		{Method: http.MethodPut, Path: "/volumes/:volume_id", Handle: a.updateVolume, Rule: ruleVolumeUpdate, Of: a.ofVolume},
		{Method: http.MethodDelete, Path: "/volumes/:volume_id", Handle: a.deleteVolume, Rule: ruleVolumeDelete, Of: a.ofVolume},
	}
}

// ofVolume is the volume in the path as the policy looks at it.
func (a *API) ofVolume(c *Call) (policy.Target, error) {
	v, err := a.volume(c)
	c.row = v
	return policy.Target{ProjectID: v.ProjectID, UserID: v.UserID}, err
}

// volume reads the volume that the path names, once a request.
func (a *API) volume(c *Call) (models.Volume, error) {
	if v, ok := c.row.(models.Volume); ok {
		return v, nil
	}
	id, err := c.uuidParam("volume_id", "volume")
	if err != nil {
		return models.Volume{}, err
	}
	v, err := a.Store.GetVolume(c.Context(), c.Reach(), id)
	return v, notFound(err, "volume", id)
}

// uuidParam returns a uuid of the path. What is none can't be found: the catalogue need not be asked.
func (c *Call) uuidParam(name, what string) (string, error) {
	id := c.Param(name)
	if len(id) != 36 || uuid.Validate(id) != nil {
		return "", fault.NotFound("%s %s could not be found", what, clip(id))
	}
	return id, nil
}

func (a *API) showVolume(c *Call) error {
	v, err := a.volume(c)
	if err != nil {
		return err
	}
	return a.answerVolume(c, http.StatusOK, &v, (*volumeWriter).extended)
}

// answerVolume answers {"volume": {...}}.
func (a *API) answerVolume(c *Call, status int, v *models.Volume, write func(*volumeWriter, *models.Volume)) error {
	names, err := a.types.get(c.Context(), v.VolumeTypeID)
	if err != nil {
		return err
	}
	w := &volumeWriter{Writer: Writer{buf: make([]byte, 0, 2048)}}
	w.prepare(c, names)
	if w.attached, err = a.attachedTo(c, *v); err != nil {
		return err
	}
	w.Open('{')
	w.Key("volume")
	write(w, v)
	w.Close('}')
	return c.Bytes(status, w.buf)
}

// attachedTo reads the attachments that views of volumes show; of those that are not in use the catalogue is not asked.
func (a *API) attachedTo(c *Call, volumes ...models.Volume) (map[string][]models.Attachment, error) {
	var ids []string
	for i := range volumes {
		if volumes[i].AttachStatus == models.AttachAttached {
			ids = append(ids, volumes[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return a.Store.AttachedTo(c.Context(), ids)
}

func (a *API) listVolumes(c *Call) error {
	return a.writeVolumes(c, "/volumes", (*volumeWriter).brief)
}

func (a *API) listVolumesDetail(c *Call) error {
	return a.writeVolumes(c, "/volumes/detail", (*volumeWriter).extended)
}

func (a *API) writeVolumes(c *Call, path string, write func(*volumeWriter, *models.Volume)) error {
	q, err := c.volumeQuery()
	if err != nil {
		return err
	}
	withCount, err := c.withCount()
	if err != nil {
		return err
	}
	volumes, err := a.Store.ListVolumes(c.Context(), q)
	if err != nil {
		return notFound(err, "marker", clip(q.Marker))
	}
	ids := make([]string, len(volumes))
	for i := range volumes {
		ids[i] = volumes[i].VolumeTypeID
	}
	names, err := a.types.get(c.Context(), ids...)
	if err != nil {
		return err
	}
	w := &volumeWriter{Writer: Writer{buf: make([]byte, 0, 256+1280*len(volumes))}}
	w.prepare(c, names)
	if w.attached, err = a.attachedTo(c, volumes...); err != nil {
		return err
	}
	w.Open('{')
	w.Key("volumes")
	w.Open('[')
	for i := range volumes {
		write(w, &volumes[i])
	}
	w.Close(']')
	if n := len(volumes); n > 0 {
		w.next("volumes_links", c.Next(path, n, q.Limit, volumes[n-1].ID))
	}
	if withCount {
		n, err := a.Store.CountVolumes(c.Context(), q)
		if err != nil {
			return err
		}
		w.Int("count", n)
	}
	w.Close('}')
	return c.Bytes(http.StatusOK, w.buf)
}

// withCount reads with_count, which lists know from 3.45.
func (c *Call) withCount() (bool, error) {
	text := c.Query("with_count")
	if text == "" || !c.At(45) {
		return false, nil
	}
	with, ok := parseBool(text)
	if !ok {
		return false, fault.BadRequest("with_count %q is not a boolean", clip(text))
	}
	return with, nil
}

type volumeSummary struct {
	Count    int64               `json:"total_count"`
	SizeGiB  int64               `json:"total_size"`
	Metadata map[string][]string `json:"metadata,omitzero"`
}

func (a *API) summarizeVolumes(c *Call) error {
	q, err := c.volumeQuery()
	if err != nil {
		return err
	}
	sum, err := a.Store.SummarizeVolumes(c.Context(), q, c.At(36))
	if err != nil {
		return err
	}
	view := volumeSummary{Count: sum.Count, SizeGiB: sum.SizeGiB}
	if c.At(36) {
		view.Metadata = sum.Metadata
		if view.Metadata == nil {
			view.Metadata = map[string][]string{}
		}
	}
	return c.JSON(http.StatusOK, map[string]volumeSummary{"volume-summary": view})
}

// updateVolume changes name, description and metadata, of which, as in Cinder's Volume.save, only what the request names
// stays. From 3.53 something must change and nothing may be unknown.
func (a *API) updateVolume(c *Call) error {
	f, err := c.Body("volume", c.At(53))
	if err != nil {
		return err
	}
	name, description := readNames(f)
	patch := models.VolumePatch{Name: name, Description: description, Metadata: f.Metadata("metadata")}
	if c.At(53) && len(f.raw) == 0 {
		f.Fail("volume must have at least one of name, description, metadata")
	}
	if err := f.End(c.At(53)); err != nil {
		return err
	}
	id, err := c.uuidParam("volume_id", "volume")
	if err != nil {
		return err
	}
	if err := checkMetadataSize(patch.Metadata); err != nil {
		return err
	}
	v, err := a.Store.UpdateVolume(c.Context(), c.Reach(), id, patch)
	if err != nil {
		return notFound(err, "volume", id)
	}
	return a.answerVolume(c, http.StatusOK, &v, (*volumeWriter).detail)
}

// readNames reads name and description, which old clients call display_name and display_description.
func readNames(f *Fields) (name, description *string) {
	name, description = f.Trimmed("display_name", 0, 255), f.Trimmed("display_description", 0, 255)
	if s := f.Trimmed("name", 0, 255); s != nil {
		name = s
	}
	if s := f.Trimmed("description", 0, 255); s != nil {
		description = s
	}
	return name, description
}
