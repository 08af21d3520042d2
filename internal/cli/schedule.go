package cli

import (
	"context"
	"net/http"
	"net/url"
)

// ScheduleColumns are the columns of a list of backup schedules.
var ScheduleColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Name", Key: "name"},
	{Title: "Volume", Key: "volume_id"},
	{Title: "Cron", Key: "cron"},
	{Title: "Time Zone", Key: "time_zone"},
	{Title: "Paused", Key: "paused"},
	{Title: "Next Run", Key: "next_run_at"},
	{Title: "Last Result", Key: "last_result"},
	{Title: "Last Run", Key: "last_run_at", Long: true},
	{Title: "Last Error", Key: "last_error", Long: true},
	{Title: "Last Skipped", Key: "last_skipped_at", Long: true},
	{Title: "Skip Reason", Key: "last_skipped_reason", Long: true},
	{Title: "Full Every", Key: "full_every", Long: true},
	{Title: "Verify Every", Key: "verify_every", Long: true},
	{Title: "Quiesce", Key: "quiesce", Long: true},
	{Title: "Keep Last", Key: "keep_last", Long: true},
	{Title: "Keep Daily", Key: "keep_daily", Long: true},
	{Title: "Keep Weekly", Key: "keep_weekly", Long: true},
	{Title: "Keep Monthly", Key: "keep_monthly", Long: true},
	{Title: "Project", Key: "project_id", Long: true},
}

// ScheduleFilter narrows a list of backup schedules.
type ScheduleFilter struct {
	Volume, Name, Sort, Marker string
	All                        bool // of all projects
	Limit                      int  // 0: no limit
}

// Schedules lists backup schedules.
func (c *Client) Schedules(ctx context.Context, f ScheduleFilter) ([]Object, error) {
	query := url.Values{}
	if f.Volume != "" {
		id, err := c.VolumeID(ctx, f.Volume, f.All)
		if err != nil {
			return nil, err
		}
		query.Set("volume_id", id)
	}
	set(query, "name", f.Name)
	set(query, "sort", sortKeys(f.Sort))
	set(query, "marker", f.Marker)
	if f.All {
		query.Set("all_tenants", "1")
	}
	return c.list(ctx, "backup_schedules", query, f.Limit, "backup-schedules")
}

// ScheduleID finds the id of a backup schedule by name; what looks like a UUID is taken as the id without asking.
func (c *Client) ScheduleID(ctx context.Context, nameOrID string, all bool) (string, error) {
	if isUUID(nameOrID) {
		return nameOrID, nil
	}
	found, err := c.Schedules(ctx, ScheduleFilter{Name: nameOrID, All: all})
	if err != nil {
		return "", err
	}
	return pick("backup schedule", nameOrID, found)
}

// Schedule shows one backup schedule.
func (c *Client) Schedule(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "backup_schedule", "backup-schedules", id)
}

// CreateSchedule has a volume, name or id, backed up at certain times. Fields are those of the service.
func (c *Client) CreateSchedule(ctx context.Context, volume string, fields Object) (Object, error) {
	id, err := c.VolumeID(ctx, volume, false)
	if err != nil {
		return nil, err
	}
	fields["volume_id"] = id
	made, _, err := c.made(ctx, "backup_schedule", request{method: http.MethodPost, path: []string{"backup-schedules"}, body: Object{"backup_schedule": fields}})
	return made, err
}

// SetSchedule changes fields of a backup schedule.
func (c *Client) SetSchedule(ctx context.Context, id string, fields Object) error {
	_, err := c.call(ctx, request{method: http.MethodPut, path: []string{"backup-schedules", id}, body: Object{"backup_schedule": fields}})
	return err
}

// DeleteSchedule removes a backup schedule; its backups stay.
func (c *Client) DeleteSchedule(ctx context.Context, id string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"backup-schedules", id}})
	return err
}

// RunSchedule starts a run at once and returns its flow.
func (c *Client) RunSchedule(ctx context.Context, id string) (string, error) {
	return c.action(ctx, "run", Object{}, "backup-schedules", id)
}
