package v3

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/schedule"
	"github.com/clinker-storage/clinker/models"
)

const (
	// fullEvery is what a schedule is made with that says nothing of it.
	fullEvery = 7
	// mostKept bounds each number of a schedule.
	mostKept = 10000
	// quiesceNo is how the API says flow.QuiesceNo.
	quiesceNo = "no"
)

// createSchedule writes a schedule of a volume of the project. It answers 201: nothing has been done yet.
func (a *API) createSchedule(c *Call) error {
	f, err := c.Body("backup_schedule", true)
	if err != nil {
		return err
	}
	volumeID := f.UUID("volume_id")
	if volumeID == "" {
		f.Fail("%s is needed", f.name("volume_id"))
	}
	p := readSchedule(f)
	s := models.BackupSchedule{
		ID: uuid.NewString(), ProjectID: c.Project(), UserID: c.Identity.UserID, Name: deref(p.Name), Description: deref(p.Description), VolumeID: volumeID,
		Cron: deref(p.Cron), TimeZone: "UTC", FullEvery: fullEvery, VerifyEvery: number(p.VerifyEvery),
		Keep:   models.Keep{Last: number(p.KeepLast), Daily: number(p.KeepDaily), Weekly: number(p.KeepWeekly), Monthly: number(p.KeepMonthly)},
		Paused: p.Paused != nil && *p.Paused, Quiesce: deref(p.Quiesce),
	}
	if p.TimeZone != nil {
		s.TimeZone = *p.TimeZone
	}
	if p.FullEvery != nil {
		s.FullEvery = *p.FullEvery
	}
	if err := f.End(true); err != nil {
		return err
	}
	if err := checkTimes(s.Cron, s.TimeZone); err != nil {
		return err
	}
	if _, err := a.Store.GetVolume(c.Context(), s.ProjectID, s.VolumeID); err != nil {
		return notFound(err, "volume", s.VolumeID)
	}
	if s, err = a.Store.CreateSchedule(c.Context(), s); err != nil {
		return err
	}
	return a.answerSchedule(c, http.StatusCreated, s)
}

// updateSchedule changes whatever is named; the volume stays.
func (a *API) updateSchedule(c *Call) error {
	f, err := c.Body("backup_schedule", true)
	if err != nil {
		return err
	}
	if len(f.raw) == 0 {
		f.Fail("backup_schedule must have at least one field")
	}
	p := readSchedule(f)
	if err := f.End(true); err != nil {
		return err
	}
	s, err := a.schedule(c)
	if err != nil {
		return err
	}
	cron, zone := s.Cron, s.TimeZone
	if p.Cron != nil {
		cron = *p.Cron
	}
	if p.TimeZone != nil {
		zone = *p.TimeZone
	}
	if err := checkTimes(cron, zone); err != nil {
		return err
	}
	if s, err = a.Store.UpdateSchedule(c.Context(), c.Reach(), s.ID, p); err != nil {
		return notFound(err, "backup schedule", s.ID)
	}
	return a.answerSchedule(c, http.StatusOK, s)
}

func readSchedule(f *Fields) models.BackupSchedulePatch {
	p := models.BackupSchedulePatch{
		Name: f.Trimmed("name", 0, 200), Description: f.Text("description", 0, 255), Cron: f.Text("cron", 1, 255), TimeZone: f.Text("time_zone", 1, 64),
		FullEvery: f.Int("full_every", 1, mostKept), VerifyEvery: f.Int("verify_every", 0, mostKept), Paused: f.Bool("paused"),
	}
	if p.Quiesce = f.Choice("quiesce", quiesceNo, flow.QuiesceRequired, flow.QuiesceIfPossible); deref(p.Quiesce) == quiesceNo {
		no := flow.QuiesceNo
		p.Quiesce = &no
	}
	for key, to := range map[string]**int64{"keep_last": &p.KeepLast, "keep_daily": &p.KeepDaily, "keep_weekly": &p.KeepWeekly, "keep_monthly": &p.KeepMonthly} {
		*to = f.Int(key, 0, mostKept)
	}
	return p
}

func checkTimes(cron, zone string) error {
	if _, err := schedule.Parse(cron, zone); err != nil {
		return fault.BadRequest("Invalid input received: %s", err)
	}
	return nil
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// conflict answers 409 where a status forbids something for now.
func conflict(err error) error {
	var refused *models.StatusError
	if errors.As(err, &refused) {
		return fault.Conflict("%s", refused.Error())
	}
	return err
}
