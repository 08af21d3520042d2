package models

import "time"

// OpScheduleRun is the flow of one run of a backup schedule.
const OpScheduleRun = "schedule-run"

// BackupSchedule is a row of the catalogue: a volume that is backed up at certain times, and which of its backups are kept. The row is
// the truth; what Temporal has of it is made from it, and made anew where it differs.
type BackupSchedule struct {
	ID          string `gorm:"primaryKey"`
	ProjectID   string
	UserID      string
	Name        string
	Description string
	VolumeID    string
	Cron        string // five fields, or @daily and its like
	TimeZone    string // an IANA name
	// FullEvery says that of so many backups one is full, the others add to it; 1 makes all of them full.
	FullEvery int64
	// VerifyEvery reads the backup of every so many runs back; 0 never does.
	VerifyEvery int64
	Keep        Keep `gorm:"embedded;embeddedPrefix:keep_"`
	// Quiesce is what its backups do about guests of a volume in use: "", required, if-possible.
	Quiesce string

	Paused       bool
	PausedReason string // where the service did it
	// Revision counts the changes that Temporal has to be told.
	Revision int64
	Runs     int64  // that have begun
	FlowID   string // of the run that is under way
	// Of the latest run: its flow, the backup that it made, how it ended ("" before the first one has), and why it failed.
	LastFlowID, LastBackupID string
	LastResult               FlowState
	LastError                string
	LastRunAt                time.Time `gorm:"serializer:micros"`
	LastEndedAt              time.Time `gorm:"serializer:micros"`
	SkippedAt                time.Time `gorm:"serializer:micros"` // when a run was last left out, since another one was under way
	SkippedReason            string
	CreatedAt                time.Time `gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt                time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
}

// Keep says how many backups of a schedule are kept: the latest ones, and the latest of each of the latest days, weeks and months that
// have one. All zero keeps everything.
type Keep struct {
	Last    int64 `json:"last,omitempty"`
	Daily   int64 `json:"daily,omitempty"`
	Weekly  int64 `json:"weekly,omitempty"`
	Monthly int64 `json:"monthly,omitempty"`
}

// Everything tells whether no backup is ever deleted.
func (k Keep) Everything() bool { return k == Keep{} }

// BackupScheduleQuery selects schedules. Empty fields select all; ProjectID "" means every project.
type BackupScheduleQuery struct {
	Page
	ProjectID, Name, VolumeID string
}

// BackupSchedulePatch changes a schedule; nil leaves as is. Of Keep each number is changed by itself.
type BackupSchedulePatch struct {
	Name, Description, Cron, TimeZone, Quiesce                           *string
	FullEvery, VerifyEvery, KeepLast, KeepDaily, KeepWeekly, KeepMonthly *int64
	Paused                                                               *bool
}

// ScheduleEnd is what the end of a run writes to its schedule beside the flow's own end.
type ScheduleEnd struct {
	BackupID string `json:"backup_id,omitempty"`
	// Pause stops the schedule, with the reason.
	Pause string `json:"pause,omitempty"`
}
