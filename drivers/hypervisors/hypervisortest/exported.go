package hypervisortest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/models"
)

// Password is what initiators of Exported prove themselves by.
const Password = "Vry-S3cret-of-tgt"

var exported atomic.Int32

// Tgt is a tgtd of the rig's.
type Tgt interface {
	Adm(args ...string) string
	Listens() string // address:port
}

// Exported is a volume behind tgt, with CHAP.
func Exported(t *testing.T, tgt Tgt) Volume {
	v := File(t)
	path := v.Path
	iqn := "iqn.2010-10.org.openstack:volume-" + v.VolumeID
	tid := fmt.Sprint(exported.Add(1))
	adm := func(op, mode string, more ...string) {
		tgt.Adm(append([]string{"--lld", "iscsi", "--op", op, "--mode", mode}, more...)...)
	}
	adm("new", "target", "--tid", tid, "-T", iqn)
	adm("new", "logicalunit", "--tid", tid, "--lun", "1", "-b", path)
	adm("bind", "target", "--tid", tid, "-I", "ALL")
	user := "user" + tid
	adm("new", "account", "--user", user, "--password", Password)
	adm("bind", "account", "--tid", tid, "--user", user)
	v.Path, v.Initiator = "", "iqn.1993-08.org.debian:01:compute-1"
	v.Connection = models.ISCSIConnection(v.VolumeID, models.ExportLocation{
		IQN: iqn, Portals: []string{tgt.Listens()}, LUN: 1, CHAP: models.CHAP{User: user, Password: Password},
	}, false, false)
	v.Grow = func(n hypervisors.Bytes) {
		require.NoError(t, os.Truncate(path, int64(n)))
		for _, param := range []string{"online=0", "path=" + path, "online=1"} {
			adm("update", "logicalunit", "--tid", tid, "--lun", "1", "--params", param)
		}
	}
	return v
}

// OnGluster is a file on a GlusterFS that is mounted at point, which QEMU opens by itself.
func OnGluster(t *testing.T, point, share string) Volume {
	id := uuid.NewString()
	path := filepath.Join(point, "volume-"+id)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(Size)))
	at := models.FileLocation{Type: "glusterfs", Export: share, Name: "volume-" + id, Format: "raw"}
	return Volume{
		Disk: hypervisors.Disk{VolumeID: id, Format: "raw", Connection: models.FileConnection(id, at)},
		Read: Reader(t, path),
	}
}
