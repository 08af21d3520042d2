package v3

import (
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/models"
)

// volumeWriter writes volumes as one caller may see them at one microversion. As with snapshots, Cinder shows them in three sizes.
type volumeWriter struct {
	Writer
	version        microversion.Version
	admin          bool
	shows          volumeFields
	self, bookmark string // what comes before "/volumes/<id>" in links
	types          map[string]string
	attached       map[string][]models.Attachment // by volume
}

// volumeFields tell which fields the policy shows to the caller.
type volumeFields struct{ host, migration, project, image bool }

func (w *volumeWriter) prepare(c *Call, types map[string]string) {
	w.version, w.admin, w.types = c.Version, c.Identity.Admin, types
	w.shows = volumeFields{
		host: c.allowed(ruleVolumeHost), migration: c.allowed(ruleVolumeMigration), project: c.allowed(ruleVolumeProject), image: c.allowed(ruleVolumeImage),
	}
	w.self, w.bookmark = c.prefixes()
}

// brief is the element of GET /volumes.
func (w *volumeWriter) brief(v *models.Volume) {
	w.Open('{')
	w.Text("id", v.ID)
	w.Text("name", v.Name)
	w.links(v.ID)
	w.Close('}')
}

// detail is what POST and PUT answer.
func (w *volumeWriter) detail(v *models.Volume) {
	w.Open('{')
	w.base(v)
	w.Close('}')
}

// extended is every field, as GET /volumes/{id} shows it.
func (w *volumeWriter) extended(v *models.Volume) {
	w.Open('{')
	w.base(v)
	if w.shows.project {
		w.Text("os-vol-tenant-attr:tenant_id", v.ProjectID)
	}
	if w.shows.image && len(v.ImageMetadata) > 0 {
		w.Pairs("volume_image_metadata", v.ImageMetadata)
	}
	if w.shows.host {
		w.TextOrNull("os-vol-host-attr:host", v.Host)
	}
	if w.shows.migration {
		w.TextOrNull("os-vol-mig-status-attr:migstat", v.MigrationStatus)
		w.TextOrNull("os-vol-mig-status-attr:name_id", v.NameID)
	}
	w.Close('}')
}

func (w *volumeWriter) base(v *models.Volume) {
	w.Text("id", v.ID)
	w.Text("name", v.Name)
	w.TextOrNull("description", v.Description)
	w.Text("status", string(models.Shown(v.Status)))
	w.Int("size", v.SizeGiB)
	w.TextOrNull("availability_zone", v.AvailabilityZone)
	w.Time("created_at", v.CreatedAt)
	w.Time("updated_at", v.UpdatedAt)
	w.TextOrNull("volume_type", w.types[v.VolumeTypeID])
	w.TextOrNull("snapshot_id", v.SnapshotID)
	w.TextOrNull("source_volid", v.SourceVolID)
	w.Pairs("metadata", shownMetadata(v))
	w.links(v.ID)
	w.Text("user_id", v.UserID)
	w.Text("bootable", boolWord(v.Bootable))
	w.Bool("encrypted", v.Encrypted)
	w.TextOrNull("replication_status", v.ReplicationStatus)
	w.Null("consistencygroup_id")
	w.Bool("multiattach", v.Multiattach)
	w.attachments(w.attached[v.ID])
	if w.admin { // Cinder's policy has no name for it
		w.TextOrNull("migration_status", v.MigrationStatus)
	}
	w.versioned(v)
}

func (w *volumeWriter) versioned(v *models.Volume) {
	if w.version >= 13 {
		w.Null("group_id")
	}
	if w.version >= 21 && w.admin {
		w.Null("provider_id")
	}
	if w.version >= 48 {
		w.Null("service_uuid")
		// Each volume has a target of its own: detaching one never needs a lock against another.
		w.Bool("shared_targets", false)
	}
	if w.version >= 61 && w.admin {
		w.Null("cluster_name")
	}
	if w.version >= 63 {
		w.TextOrNull("volume_type_id", v.VolumeTypeID)
	}
	if w.version >= 64 && v.Encrypted {
		w.Null("encryption_key_id")
	}
	if w.version >= 65 {
		w.Bool("consumes_quota", v.ConsumesQuota)
	}
}

func (w *volumeWriter) links(id string) {
	w.Key("links")
	w.Open('[')
	w.link("self", w.self+"/volumes/"+id)
	w.link("bookmark", w.bookmark+"/volumes/"+id)
	w.Close(']')
}

// shownMetadata adds the read-only flag, which Cinder shows among the metadata once somebody has set it.
func shownMetadata(v *models.Volume) map[string]string {
	if !v.ReadonlySet {
		return v.Metadata
	}
	flag := "False"
	if v.Readonly {
		flag = "True"
	}
	return merged(v.Metadata, map[string]string{"readonly": flag})
}

func merged(base, more map[string]string) map[string]string {
	out := make(map[string]string, len(base)+len(more))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func boolWord(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
