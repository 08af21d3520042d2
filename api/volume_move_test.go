package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func TestRetypeVolume(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", Host: "h@lvm#p"})
	at := volumes + "/" + v.ID + "/action"
	for body, policy := range map[string]string{
		`{"new_type":"gold"}`: flow.MigrateNever, `{"new_type":"gold","migration_policy":"never"}`: flow.MigrateNever,
		`{"new_type":"gold","migration_policy":"on-demand"}`: flow.MigrateOnDemand, `{"new_type":"gold","migration_policy":null}`: flow.MigrateNever,
	} {
		a := rig.Do(t, "POST", at, `{"os-retype":`+body+`}`).Is(202)
		require.Empty(t, a.Body)
		s := rig.Engine.Started[len(rig.Engine.Started)-1]
		in := s.Input.(flow.VolumeRetypeInput)
		require.Equal(t, []string{"gold", policy, "retype volume db to gold", "h@lvm"}, []string{in.NewType, in.Policy, in.Summary, s.Backend})
		require.Equal(t, a.Header.Get("Clinker-Flow"), in.FlowID)
		require.False(t, in.AcceptBy.IsZero())
	}
	for _, bad := range []string{`{}`, `null`, `{"new_type":""}`, `{"new_type":1}`, `{"new_type":"gold","migration_policy":"sometimes"}`, `{"new_type":"gold","x":1}`, `[]`} {
		rig.Do(t, "POST", at, `{"os-retype":`+bad+`}`).Refused(400, "badRequest")
	}
	rig.Do(t, "POST", volumes+"/"+uuidOf(5)+"/action", `{"os-retype":{"new_type":"gold"}}`).Refused(404, "itemNotFound")
	for kind, want := range map[flow.ErrorType]int{flow.ErrInvalid: 400, flow.ErrNotFound: 404, flow.ErrInvalidStatus: 400, flow.ErrOverQuota: 413} {
		rig.Engine.Refuse = &flow.Error{Type: kind, Message: "no"}
		rig.Do(t, "POST", at, `{"os-retype":{"new_type":"gold"}}`).Is(want)
	}
	rig.Engine.Away = true
	rig.Do(t, "POST", at, `{"os-retype":{"new_type":"gold"}}`).Refused(503, "serviceUnavailable")
}

func TestMigrateVolume(t *testing.T) {
	rig := apitest.New(t)
	v := rig.Store.Put(models.Volume{ID: uuidOf(1), Name: "db", Host: "h@lvm#p", NameID: uuidOf(2), MigrationStatus: models.MigrationSuccess})
	at := volumes + "/" + v.ID + "/action"
	rig.Do(t, "POST", at, `{"os-migrate_volume":{"host":"h@b#q","force_host_copy":"False","lock_volume":true}}`, admin).Is(202)
	in := rig.Engine.Started[0].Input.(flow.VolumeMigrateInput)
	require.Equal(t, []any{"h@b#q", true, "migrate volume db to h@b#q"}, []any{in.Host, in.Lock, in.Summary})
	rig.Do(t, "POST", at, `{"os-migrate_volume":{"host":"h@b","force_host_copy":false}}`, admin).Is(202)
	require.False(t, rig.Engine.Started[1].Input.(flow.VolumeMigrateInput).Lock)

	rig.Do(t, "POST", at, `{"os-migrate_volume":{"host":"h@b#q"}}`).Refused(403, "forbidden")
	cluster := apitest.Call{Token: apitest.Admin, Version: "3.16"}
	rig.Do(t, "POST", at, `{"os-migrate_volume":{"cluster":"c@b","host":null}}`, cluster).Refused(404, "itemNotFound")
	rig.Do(t, "POST", at, `{"os-migrate_volume":{"cluster":"c@b","host":"h@b"}}`, cluster).Refused(400, "badRequest")
	rig.Do(t, "POST", at, `{"os-migrate_volume":{"cluster":"c@b"}}`, apitest.Call{Token: apitest.Admin, Version: "3.15"}).Refused(400, "badRequest")
	for _, bad := range []string{`{}`, `null`, `{"host":""}`, `{"host":"h@b","lock_volume":"perhaps"}`, `{"host":1}`} {
		rig.Do(t, "POST", at, `{"os-migrate_volume":`+bad+`}`, admin).Refused(400, "badRequest")
	}

	a := rig.Do(t, "GET", volumes+"/"+v.ID, nil, admin).Is(200)
	require.Equal(t, []any{"success", "success", uuidOf(2)}, []any{
		a.At("volume", "migration_status"),
		a.At("volume", "os-vol-mig-status-attr:migstat"), a.At("volume", "os-vol-mig-status-attr:name_id"),
	})
}
