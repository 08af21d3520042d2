// Package store keeps the catalogue in PostgreSQL or SQLite.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/clinker-storage/clinker/models"
)

var errNotYet = errors.New("not written yet")

// Options tune a store.
type Options struct {
	QuotaDefaults     map[string]int64
	UseDefaultClass   bool
	ServiceDownTime   time.Duration
	Now               func() time.Time
	RelaxedDurability bool
	Logger            *slog.Logger
}

// Store is the catalogue.
type Store struct{}

func Open(ctx context.Context, dsn string, o Options) (*Store, error) { return nil, errNotYet }
func (s *Store) Migrate(ctx context.Context) error                    { return errNotYet }
func (s *Store) MigrationVersion(ctx context.Context) (have, want int64, err error) {
	return 0, 0, errNotYet
}
func (s *Store) Ping(ctx context.Context) error { return errNotYet }
func (s *Store) Close() error                   { return errNotYet }

func (s *Store) GetVolume(ctx context.Context, projectID, id string) (v models.Volume, err error) {
	return v, errNotYet
}
func (s *Store) ListVolumes(ctx context.Context, q models.VolumeQuery) ([]models.Volume, error) {
	return nil, errNotYet
}
func (s *Store) CountVolumes(ctx context.Context, q models.VolumeQuery) (int64, error) {
	return 0, errNotYet
}
func (s *Store) SummarizeVolumes(ctx context.Context, q models.VolumeQuery, withMetadata bool) (v models.VolumeSummary, err error) {
	return v, errNotYet
}
func (s *Store) UpdateVolume(ctx context.Context, projectID, id string, p models.VolumePatch) (v models.Volume, err error) {
	return v, errNotYet
}
func (s *Store) EditVolumeMetadata(ctx context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	return nil, errNotYet
}
func (s *Store) ResetVolume(ctx context.Context, id string, r models.StatusReset) (v models.Volume, err error) {
	return v, errNotYet
}
func (s *Store) BeginDelete(ctx context.Context, projectID, volumeID string, force bool, f models.Flow) (v models.Volume, err error) {
	return v, errNotYet
}
func (s *Store) UndoBeginDelete(ctx context.Context, volumeID, flowID string) error { return errNotYet }
func (s *Store) BeginExtend(ctx context.Context, projectID, volumeID string, newSizeGiB int64, inUse bool, f models.Flow) (v models.Volume, err error) {
	return v, errNotYet
}
func (s *Store) FinishExtend(ctx context.Context, volumeID, flowID string, newSizeGiB int64, tasks []models.Task) (v models.Volume, err error) {
	return v, errNotYet
}

func (s *Store) CreateEntry(ctx context.Context, v models.Volume, f models.Flow) (models.Volume, error) {
	return v, errNotYet
}
func (s *Store) ReadyEntry(ctx context.Context, volumeID, flowID, host, location string, tasks []models.Task) (v models.Volume, err error) {
	return v, errNotYet
}
func (s *Store) PlaceEntry(ctx context.Context, volumeID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error) {
	return "", errNotYet
}
func (s *Store) ReleaseClaim(ctx context.Context, flowID string) error { return errNotYet }
func (s *Store) AbandonFlow(ctx context.Context, f models.Flow) error  { return errNotYet }
func (s *Store) EndFlow(ctx context.Context, e models.FlowEnd) error   { return errNotYet }
func (s *Store) ResumeFlow(ctx context.Context, flowID, resourceID string, status models.VolumeStatus) error {
	return errNotYet
}
func (s *Store) GetFlow(ctx context.Context, projectID, id string) (f models.Flow, err error) {
	return f, errNotYet
}
func (s *Store) ListFlows(ctx context.Context, q models.FlowQuery) ([]models.Flow, error) {
	return nil, errNotYet
}
func (s *Store) OpenFlows(ctx context.Context, before time.Time, limit int) ([]models.Flow, error) {
	return nil, errNotYet
}
func (s *Store) TouchFlow(ctx context.Context, flowID string, at time.Time) error { return errNotYet }

func (s *Store) ReserveQuota(ctx context.Context, flowID, projectID string, deltas []models.QuotaDelta, volumeSizeGiB int64, ttl time.Duration) error {
	return errNotYet
}
func (s *Store) CommitQuota(ctx context.Context, flowID string) error   { return errNotYet }
func (s *Store) RollbackQuota(ctx context.Context, flowID string) error { return errNotYet }
func (s *Store) QuotaLimits(ctx context.Context, projectID string) (map[string]int64, error) {
	return nil, errNotYet
}
func (s *Store) ClassLimits(ctx context.Context, class string) (map[string]int64, error) {
	return nil, errNotYet
}
func (s *Store) SetQuotaLimits(ctx context.Context, scope, name string, limits map[string]int64) error {
	return errNotYet
}
func (s *Store) DeleteQuotaLimits(ctx context.Context, projectID string) error { return errNotYet }
func (s *Store) QuotaUsages(ctx context.Context, projectID string) (map[string]models.QuotaUsage, error) {
	return nil, errNotYet
}
func (s *Store) CheckQuota(ctx context.Context) ([]models.QuotaDrift, error) { return nil, errNotYet }

func (s *Store) GetVolumeType(ctx context.Context, projectID, nameOrID string) (t models.VolumeType, err error) {
	return t, errNotYet
}
func (s *Store) ListVolumeTypes(ctx context.Context, q models.TypeQuery) ([]models.VolumeType, error) {
	return nil, errNotYet
}
func (s *Store) CreateVolumeType(ctx context.Context, t models.VolumeType, projects []string) (models.VolumeType, error) {
	return t, errNotYet
}
func (s *Store) UpdateVolumeType(ctx context.Context, id string, p models.TypePatch) (t models.VolumeType, err error) {
	return t, errNotYet
}
func (s *Store) DeleteVolumeType(ctx context.Context, id string) error { return errNotYet }
func (s *Store) EditExtraSpecs(ctx context.Context, typeID string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	return nil, errNotYet
}
func (s *Store) TypeInUse(ctx context.Context, typeID string) (bool, error) { return false, errNotYet }
func (s *Store) ListTypeAccess(ctx context.Context, typeID string) ([]string, error) {
	return nil, errNotYet
}
func (s *Store) AddTypeAccess(ctx context.Context, typeID, projectID string) error { return errNotYet }
func (s *Store) RemoveTypeAccess(ctx context.Context, typeID, projectID string) error {
	return errNotYet
}
func (s *Store) EnsureDefaultType(ctx context.Context, name string) error { return errNotYet }

func (s *Store) Heartbeat(ctx context.Context, sv models.Service) error { return errNotYet }
func (s *Store) ListServices(ctx context.Context, binary, host string) ([]models.Service, error) {
	return nil, errNotYet
}
func (s *Store) SetServiceDisabled(ctx context.Context, binary, host string, disabled bool, reason string) (sv models.Service, err error) {
	return sv, errNotYet
}
func (s *Store) SavePools(ctx context.Context, backend, az string, stats []models.PoolStats, gatheredAt time.Time) error {
	return errNotYet
}
func (s *Store) ListPools(ctx context.Context) ([]models.PoolView, error) { return nil, errNotYet }

func (s *Store) AddMessage(ctx context.Context, m models.Message) error { return errNotYet }
func (s *Store) ListMessages(ctx context.Context, q models.MessageQuery) ([]models.Message, error) {
	return nil, errNotYet
}
func (s *Store) GetMessage(ctx context.Context, projectID, id string) (m models.Message, err error) {
	return m, errNotYet
}
func (s *Store) DeleteMessage(ctx context.Context, projectID, id string) error { return errNotYet }
func (s *Store) ClaimKey(ctx context.Context, k models.IdempotencyKey) (models.IdempotencyKey, bool, error) {
	return k, false, errNotYet
}
func (s *Store) ReleaseKey(ctx context.Context, projectID, key, flowID string) error {
	return errNotYet
}
func (s *Store) Purge(ctx context.Context, now time.Time, flowRecords time.Duration) (map[string]int64, error) {
	return nil, errNotYet
}
