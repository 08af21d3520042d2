package flow

import (
	"cmp"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// StorageName is a volume's or a snapshot's name at the backend; template is volume_name_template or snapshot_name_template. Both
// forms occur in Cinder's files: volume-%s and volume-%(id)s.
func StorageName(template, id string) string {
	return strings.NewReplacer("%s", id, "%(id)s", id).Replace(template)
}

// Names are the templates of names at the backend: volume_name_template and snapshot_name_template.
type Names struct{ Volume, Snapshot string }

// StorageVolume is the volume as its driver knows it.
func (n Names) StorageVolume(v models.Volume) models.StorageVolume {
	_, pool := SplitHost(v.Host)
	id := cmp.Or(v.NameID, v.ID)
	return models.StorageVolume{
		ID: id, Name: StorageName(n.Volume, id), Size: models.FromGiB(v.SizeGiB), Pool: pool, Location: v.ProviderLocation,
	}
}

// StorageSnapshot is the snapshot, of volume v as it is now, as its driver knows it.
func (n Names) StorageSnapshot(sn models.Snapshot, v models.Volume) models.StorageSnapshot {
	return models.StorageSnapshot{
		ID: sn.ID, Name: StorageName(n.Snapshot, sn.ID), Volume: n.StorageVolume(v), Size: models.FromGiB(sn.SizeGiB), Location: sn.ProviderLocation,
	}
}
