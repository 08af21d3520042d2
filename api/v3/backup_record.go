package v3

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// backupRecord is a backup's row as Cinder's export records carry it, in JSON and base64. One of Cinder's own has a service_metadata, which
// is the prefix of its objects; ours have none.
type backupRecord struct {
	ID              string            `json:"id"`
	ProjectID       string            `json:"project_id"`
	UserID          string            `json:"user_id"`
	VolumeID        string            `json:"volume_id"`
	SnapshotID      *string           `json:"snapshot_id"`
	ParentID        *string           `json:"parent_id"`
	Size            int64             `json:"size"` // GiB
	Status          string            `json:"status"`
	Container       *string           `json:"container"`
	Service         string            `json:"service"`
	ServiceMetadata *string           `json:"service_metadata"`
	ObjectCount     int64             `json:"object_count"`
	Name            *string           `json:"display_name"`
	Description     *string           `json:"display_description"`
	Zone            *string           `json:"availability_zone"`
	Host            *string           `json:"host"`
	DataTimestamp   string            `json:"data_timestamp,omitempty"`
	CreatedAt       string            `json:"created_at,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
}

type recordView struct {
	Service string `json:"backup_service"`
	URL     string `json:"backup_url"`
}

func (a *API) exportBackup(c *Call) error {
	b, err := a.backup(c)
	if err != nil {
		return err
	}
	if b.Status != models.BackupAvailable {
		return fault.BadRequest("Invalid backup: Backup status must be available and not %s.", b.Status)
	}
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	body, err := json.Marshal(backupRecord{
		ID: b.ID, ProjectID: b.ProjectID, UserID: b.UserID, VolumeID: b.VolumeID, SnapshotID: text(b.SnapshotID), ParentID: text(b.ParentID),
		Size: b.SizeGiB, Status: string(b.Status), Container: text(b.Container), Service: b.Service, ServiceMetadata: text(b.ServiceMetadata),
		ObjectCount: b.ObjectCount, Name: text(b.Name), Description: text(b.Description), Zone: text(b.AvailabilityZone), Host: text(b.Host),
		DataTimestamp: b.DataTimestamp.UTC().Format(time.RFC3339), CreatedAt: b.CreatedAt.UTC().Format(time.RFC3339), Metadata: b.Metadata,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]recordView{"backup-record": {b.Service, base64.StdEncoding.EncodeToString(body)}})
}

// importBackup makes a row of a record, in the caller's project; the flow then looks whether the store holds what the record says.
func (a *API) importBackup(c *Call) error {
	deadline := time.Now().Add(a.AcceptWait)
	f, err := c.Body("backup-record", true)
	if err != nil {
		return err
	}
	service, url := f.Needed("backup_service", 1, 255), f.Needed("backup_url", 1, maxRecord)
	if err := f.End(true); err != nil {
		return err
	}
	b, err := readRecord(url)
	if err != nil {
		return err
	}
	b.ProjectID, b.UserID, b.Service = c.Project(), c.Identity.UserID, service
	switch _, err := a.Store.GetBackup(c.Context(), "", b.ID); {
	case err == nil:
		return fault.BadRequest("Invalid backup: Backup already exists in database: %s", b.ID)
	case !errors.Is(err, models.ErrNotFound):
		return err
	}
	if err := a.needDataWorker(c); err != nil {
		return err
	}
	in := flow.BackupImportInput{Header: a.header(c, flow.BackupImport, c.Project(), b.ID), Backup: b, Stored: storedBackup(&b)}
	in.AcceptBy = deadline.UTC()
	in.Tasks, in.Summary = flow.BackupImportTasks(), "import the record of backup "+shownName(b.Name, b.ID)
	start := flow.Start{Operation: flow.BackupImport, Header: in.Header, Kind: flow.KindBackup, Input: in}
	row, err := a.runBackup(context.WithoutCancel(c.Context()), c, start, deadline)
	if err != nil {
		return err
	}
	c.Started(start.Header.FlowID)
	return a.answerBackup(c, http.StatusCreated, &row, (*backupWriter).brief)
}

// maxRecord bounds a record, which travels in the flow's input.
const maxRecord = 32 << 10

// unfit says that a text of a record could not be kept: a record is anybody's file.
func unfit(text string) bool {
	return utf8.RuneCountInString(text) > 255 || strings.ContainsRune(text, 0)
}

func readRecord(url string) (models.Backup, error) {
	var r backupRecord
	refuse := func(why string) (models.Backup, error) {
		return models.Backup{}, fault.BadRequest("Invalid input received: Can't parse backup record: %s", why)
	}
	body, err := base64.StdEncoding.DecodeString(strings.TrimSpace(url))
	if err != nil {
		return refuse("backup_url is not base64")
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return refuse("backup_url does not hold a backup's record in JSON")
	}
	if !isUUID(r.ID) || r.Size < 1 || r.Size > maxSizeGiB {
		return refuse("it must have a uuid as id and a size in GiB")
	}
	b := models.Backup{
		ID: strings.ToLower(r.ID), VolumeID: r.VolumeID, SnapshotID: deref(r.SnapshotID), ParentID: deref(r.ParentID), SizeGiB: r.Size, Container: deref(r.Container),
		ServiceMetadata: deref(r.ServiceMetadata), ObjectCount: r.ObjectCount, Name: deref(r.Name), Description: deref(r.Description),
		AvailabilityZone: deref(r.Zone), Metadata: r.Metadata,
	}
	texts := []string{b.VolumeID, b.SnapshotID, b.ParentID, b.Container, b.ServiceMetadata, b.Name, b.Description, b.AvailabilityZone}
	for key, value := range b.Metadata {
		texts = append(texts, key, value)
	}
	if b.ObjectCount < 0 || slices.ContainsFunc(texts, unfit) {
		return refuse("its texts must have at most 255 characters and no NUL, and its count of objects must not be negative")
	}
	for _, text := range []string{r.DataTimestamp, r.CreatedAt} {
		for _, form := range []string{time.RFC3339, timeForm, "2006-01-02T15:04:05"} {
			if at, err := time.Parse(form, text); err == nil && b.DataTimestamp.IsZero() {
				b.DataTimestamp = at.UTC()
			}
		}
	}
	return b, nil
}
