package v3

import (
	"net/http"

	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// sinceLimitsOfProject is the microversion from which an admin may ask for another project's limits.
const sinceLimitsOfProject = 39

func (a *API) limitRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/limits", Handle: a.showLimits, Rule: ruleLimits}}
}

type limitsDocument struct {
	Limits struct {
		// Rate is empty: requests are not limited by rate.
		Rate     []struct{}     `json:"rate"`
		Absolute absoluteLimits `json:"absolute"`
	} `json:"limits"`
}

type absoluteLimits struct {
	Volumes         int64 `json:"maxTotalVolumes"`
	Snapshots       int64 `json:"maxTotalSnapshots"`
	Gigabytes       int64 `json:"maxTotalVolumeGigabytes"`
	Backups         int64 `json:"maxTotalBackups"`
	BackupGigabytes int64 `json:"maxTotalBackupGigabytes"`

	*usedLimits // nil for whom the policy does not show them
}

type usedLimits struct {
	VolumesUsed         int64 `json:"totalVolumesUsed"`
	GigabytesUsed       int64 `json:"totalGigabytesUsed"`
	SnapshotsUsed       int64 `json:"totalSnapshotsUsed"`
	BackupsUsed         int64 `json:"totalBackupsUsed"`
	BackupGigabytesUsed int64 `json:"totalBackupGigabytesUsed"`
}

func (a *API) showLimits(c *Call) error {
	project := c.Project()
	if other := c.Query("project_id"); other != "" && c.At(sinceLimitsOfProject) && c.Identity.Admin {
		project = other
	}
	limits, err := a.Store.QuotaLimits(c.Context(), project)
	if err != nil {
		return err
	}
	used, err := a.Store.QuotaUsages(c.Context(), project)
	if err != nil {
		return err
	}
	var doc limitsDocument
	doc.Limits.Rate = []struct{}{}
	doc.Limits.Absolute = absoluteLimits{
		Volumes: limits[models.QuotaVolumes], Snapshots: limits[models.QuotaSnapshots], Gigabytes: limits[models.QuotaGigabytes],
		Backups: limits[models.QuotaBackups], BackupGigabytes: limits[models.QuotaBackupGigabytes],
	}
	if c.allowedOn(ruleUsedLimits, policy.Target{ProjectID: project}) {
		doc.Limits.Absolute.usedLimits = &usedLimits{
			VolumesUsed: used[models.QuotaVolumes].InUse, GigabytesUsed: used[models.QuotaGigabytes].InUse,
			SnapshotsUsed: used[models.QuotaSnapshots].InUse, BackupsUsed: used[models.QuotaBackups].InUse,
			BackupGigabytesUsed: used[models.QuotaBackupGigabytes].InUse,
		}
	}
	return c.JSON(http.StatusOK, doc)
}
