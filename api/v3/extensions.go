package v3

import (
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
)

func (a *API) extensionRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/extensions", Handle: listExtensions, Rule: ruleExtensionList},
		{Method: http.MethodGet, Path: "/extensions/:alias", Handle: showExtension, Rule: ruleExtensionShow},
	}
}

type extension struct {
	Alias       string     `json:"alias"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Updated     string     `json:"updated"`
	Links       []struct{} `json:"links"`
}

func newExtension(alias, name, description, updated string) extension {
	return extension{Alias: alias, Name: name, Description: description, Updated: updated + "T00:00:00+00:00", Links: []struct{}{}}
}

// extensions are the parts of the API that Cinder once had as extensions, by the aliases and dates it gives them: clients look
// for an alias before they use what it stands for. Only what is served is listed.
var extensions = []extension{
	newExtension("OS-SCH-HNT", "SchedulerHints", "Scheduler hints of a new volume.", "2013-04-18"),
	newExtension("capabilities", "Capabilities", "What a backend can do.", "2015-08-31"),
	newExtension("os-admin-actions", "AdminActions", "Reset a status, delete by force.", "2012-08-25"),
	newExtension("os-availability-zone", "AvailabilityZones", "Availability zones.", "2013-06-27"),
	newExtension("os-extended-services", "ExtendedServices", "Why a service is disabled.", "2014-01-10"),
	newExtension("os-extended-snapshot-attributes", "ExtendedSnapshotAttributes", "Whose a snapshot is, and how far it is made.", "2012-06-19"),
	newExtension("os-quota-class-sets", "QuotaClasses", "Limits of quota classes.", "2012-03-12"),
	newExtension("os-quota-sets", "Quotas", "Limits of projects.", "2011-08-08"),
	newExtension("os-services", "Services", "Services and whether they take work.", "2012-10-28"),
	newExtension("os-snapshot-actions", "SnapshotActions", "Actions on a snapshot.", "2013-07-16"),
	newExtension("os-snapshot-manage", "SnapshotManage", "Make snapshots of what a backend holds.", "2014-12-31"),
	newExtension("os-snapshot-unmanage", "SnapshotUnmanage", "Forget snapshots and leave their data.", "2014-12-31"),
	newExtension("os-types-extra-specs", "TypesExtraSpecs", "Extra specs of volume types.", "2011-08-24"),
	newExtension("os-types-manage", "TypesManage", "Create, change and delete volume types.", "2011-08-24"),
	newExtension("os-used-limits", "UsedLimits", "What a project uses, beside its limits.", "2013-10-03"),
	newExtension("os-vol-host-attr", "VolumeHostAttribute", "Where a volume is.", "2011-11-03"),
	newExtension("os-vol-mig-status-attr", "VolumeMigStatusAttribute", "How a volume's migration stands.", "2013-08-08"),
	newExtension("os-vol-tenant-attr", "VolumeTenantAttribute", "Whose a volume is.", "2011-11-03"),
	newExtension("os-volume-actions", "VolumeActions", "Actions on a volume.", "2012-05-31"),
	newExtension("os-volume-manage", "VolumeManage", "Make volumes of what a backend holds.", "2014-02-10"),
	newExtension("os-volume-type-access", "VolumeTypeAccess", "Which projects may use a private volume type.", "2014-06-26"),
	newExtension("os-volume-unmanage", "VolumeUnmanage", "Forget volumes and leave their data.", "2012-05-31"),
	newExtension("scheduler-stats", "Scheduler_stats", "Storage pools as the scheduler sees them.", "2014-09-07"),
}

func listExtensions(c *Call) error {
	return c.JSON(http.StatusOK, map[string][]extension{"extensions": extensions})
}

func showExtension(c *Call) error {
	alias := c.Param("alias")
	for _, e := range extensions {
		if e.Alias == alias {
			return c.JSON(http.StatusOK, map[string]extension{"extension": e})
		}
	}
	return fault.NotFound("Extension %s could not be found.", clip(alias))
}
