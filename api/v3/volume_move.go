package v3

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// sinceClusterMigrate lets a migration name a cluster instead of a host.
const sinceClusterMigrate = 16

// retypeVolume starts volume-retype. As in Cinder, migration_policy is never unless it says otherwise.
func (a *API) retypeVolume(c *Call, v models.Volume, f *Fields) error {
	newType := f.Text("new_type", 1, 255)
	if newType == nil {
		f.Fail("os-retype.new_type is needed")
	}
	policy := f.lower("migration_policy", flow.MigrateNever, flow.MigrateOnDemand)
	if err := f.End(true); err != nil {
		return err
	}
	in := flow.VolumeRetypeInput{Header: a.header(c, flow.VolumeRetype, v.ProjectID, v.ID), NewType: *newType, Policy: flow.MigrateNever}
	if policy != nil {
		in.Policy = *policy
	}
	in.Tasks = flow.VolumeRetypeTasks()
	in.Summary = fmt.Sprintf("retype volume %s to %s", shownName(v.Name, v.ID), *newType)
	return a.startMove(c, v, &in.Header, func() flow.Start {
		return flow.Start{Operation: flow.VolumeRetype, Header: in.Header, Input: in}
	})
}

// migrateVolume starts volume-migrate. force_host_copy changes nothing: every move is a copy, and none is left to a backend.
func (a *API) migrateVolume(c *Call, v models.Volume, f *Fields) error {
	host := f.Text("host", 0, 255)
	var cluster *string
	if c.At(sinceClusterMigrate) {
		cluster = f.Text("cluster", 0, 255)
	}
	_, lock := f.Bool("force_host_copy"), f.Bool("lock_volume")
	given := func(s *string) bool { return s != nil && *s != "" }
	if given(host) == given(cluster) {
		f.Fail("os-migrate_volume needs exactly one of host and cluster")
	}
	if err := f.End(true); err != nil {
		return err
	}
	if given(cluster) {
		return fault.NotFound("Cluster %s could not be found.", clip(*cluster))
	}
	in := flow.VolumeMigrateInput{
		Header: a.header(c, flow.VolumeMigrate, v.ProjectID, v.ID), Host: *host, Lock: lock != nil && *lock,
	}
	in.Tasks = flow.VolumeMigrateTasks()
	in.Summary = fmt.Sprintf("migrate volume %s to %s", shownName(v.Name, v.ID), *host)
	return a.startMove(c, v, &in.Header, func() flow.Start {
		return flow.Start{Operation: flow.VolumeMigrate, Header: in.Header, Input: in}
	})
}

// startMove starts a flow that answers once it has the volume.
func (a *API) startMove(c *Call, v models.Volume, h *flow.Header, start func() flow.Start) error {
	deadline := time.Now().Add(a.AcceptWait)
	h.AcceptBy = deadline.UTC()
	s := start()
	s.Kind = flow.KindVolume
	s.Backend, _ = flow.SplitHost(v.Host)
	late := func(context.Context) error { return nil } // the record is there, so the volume was the flow's: nothing to fetch
	if err := a.accept(context.WithoutCancel(c.Context()), c, s, new(flow.VolumeResult), deadline, late); err != nil {
		return err
	}
	c.Started(s.Header.FlowID)
	return c.Empty(http.StatusAccepted)
}
