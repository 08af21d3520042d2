package v3

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Microversions of what a backend holds already: its own paths, and clusters beside hosts.
const (
	sinceManageable        = 8
	sinceManageableCluster = 16
)

// manageableRoutes are under two names: those of the extensions, which came first, and those of 3.8.
func (a *API) manageableRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/os-volume-manage", Handle: a.listManageable(false, false), Rule: ruleVolumeManageable},
		{Method: http.MethodPost, Path: "/os-volume-manage", Handle: a.manageVolume, Rule: ruleVolumeManage},
		{Method: http.MethodGet, Path: "/os-volume-manage/detail", Handle: a.listManageable(false, true), Rule: ruleVolumeManageable},
		{Method: http.MethodGet, Path: "/os-snapshot-manage", Handle: a.listManageable(true, false), Rule: ruleSnapshotManageable},
		{Method: http.MethodPost, Path: "/os-snapshot-manage", Handle: a.manageSnapshot, Rule: ruleSnapshotManage},
		{Method: http.MethodGet, Path: "/os-snapshot-manage/detail", Handle: a.listManageable(true, true), Rule: ruleSnapshotManageable},

		{Method: http.MethodGet, Path: "/manageable_volumes", Handle: a.listManageable(false, false), Rule: ruleVolumeManageable, Min: sinceManageable},
		{Method: http.MethodPost, Path: "/manageable_volumes", Handle: a.manageVolume, Rule: ruleVolumeManage, Min: sinceManageable},
		{Method: http.MethodGet, Path: "/manageable_volumes/detail", Handle: a.listManageable(false, true), Rule: ruleVolumeManageable, Min: sinceManageable},
		{Method: http.MethodGet, Path: "/manageable_snapshots", Handle: a.listManageable(true, false), Rule: ruleSnapshotManageable, Min: sinceManageable},
		{Method: http.MethodPost, Path: "/manageable_snapshots", Handle: a.manageSnapshot, Rule: ruleSnapshotManage, Min: sinceManageable},
		{Method: http.MethodGet, Path: "/manageable_snapshots/detail", Handle: a.listManageable(true, true), Rule: ruleSnapshotManageable, Min: sinceManageable},
	}
}

// listManageable lists what stands on a backend, managed or not: the storage node is asked, and has NodeWait to answer.
func (a *API) listManageable(snapshots, detail bool) Handler {
	key := "manageable-volumes"
	if snapshots {
		key = "manageable-snapshots"
	}
	return func(c *Call) error {
		in, limit, err := c.manageableQuery()
		if err != nil {
			return err
		}
		if err := a.serves(c, in.Backend); err != nil {
			return err
		}
		in.Snapshots = snapshots
		items, err := a.askManageable(c, in, limit)
		if err != nil {
			return err
		}
		views := make([]manageableView, len(items))
		for i := range items {
			views[i] = viewManageable(&items[i], snapshots, detail)
		}
		return c.JSON(http.StatusOK, map[string][]manageableView{key: views})
	}
}

// manageableQuery reads which backend is meant and the page. Sorting is by reference, the last first, unless the query says otherwise.
func (c *Call) manageableQuery() (in flow.ManageableListInput, limit int, err error) {
	host, err := c.hostOrCluster(c.Query("host"), c.Query("cluster"), 17)
	if err != nil {
		return in, 0, err
	}
	in.Backend, in.Pool = flow.SplitHost(host)
	page, err := c.Page(map[string]string{"reference": "reference", "size": "size", "created_at": "reference"})
	if err != nil {
		return in, 0, err
	}
	in.SortBy, in.Desc, in.Offset = page.Sort[0].Key, page.Sort[0].Desc, page.Offset
	if page.Marker != "" {
		if in.Marker, err = referenceText(page.Marker); err != nil {
			return in, 0, err
		}
	}
	return in, page.Limit, nil
}

// hostOrCluster returns the host of a request that, from a microversion on, may name a cluster instead. There are no clusters: workers of one
// backend share its queue without being one.
func (c *Call) hostOrCluster(host, cluster string, since int) (string, error) {
	if int(c.Version) < since {
		cluster = ""
	}
	switch {
	case (host == "") == (cluster == ""):
		return "", fault.BadRequest("Invalid input received: One and only one of cluster and host must be set.")
	case cluster != "":
		return "", fault.NotFound("Cluster %s could not be found.", clip(cluster))
	}
	return host, nil
}

// serves refuses a backend that is not there, or that takes no work.
func (a *API) serves(c *Call, backend string) error {
	services, err := a.Store.ListServices(c.Context(), models.BinaryVolume, backend)
	if err != nil {
		return err
	}
	switch {
	case len(services) == 0:
		return fault.NotFound("Service %s could not be found on host %s.", models.BinaryVolume, clip(backend))
	case services[0].Disabled:
		return fault.Unavailable("Service is unavailable at this time: %s on host %s is disabled.", models.BinaryVolume, backend)
	case a.Now().Sub(services[0].UpdatedAt) > a.ServiceDownTime:
		return fault.Unavailable("Service is unavailable at this time: %s on host %s is down.", models.BinaryVolume, backend)
	}
	return nil
}

// askManageable asks the node for as many as limit allows, a flow for every MaxManageable of them.
func (a *API) askManageable(c *Call, in flow.ManageableListInput, limit int) ([]models.Adoptable, error) {
	deadline := time.Now().Add(a.NodeWait)
	ctx, cancel := context.WithDeadline(c.Context(), deadline)
	defer cancel()
	var all []models.Adoptable
	for len(all) < limit {
		in.Limit = min(limit-len(all), flow.MaxManageable)
		page, err := a.manageablePage(ctx, c, in, deadline)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if len(page.Items) < in.Limit {
			break
		}
		in.Marker, in.Offset = all[len(all)-1].Ref, 0
	}
	return all, nil
}

func (a *API) manageablePage(ctx context.Context, c *Call, in flow.ManageableListInput, acceptBy time.Time) (flow.ManageableListResult, error) {
	id := uuid.NewString()
	in.Header = a.header(c, flow.ManageableList, c.Project(), id)
	in.AcceptBy = acceptBy.UTC()
	in.Summary = "list what " + in.Backend + " holds"
	var page flow.ManageableListResult
	err := a.Starter.Accept(ctx, flow.Start{
		Operation: flow.ManageableList, Header: in.Header, Kind: flow.ManageableList.Kind(), Backend: in.Backend, Input: in,
	}, &page)
	if err != nil && ctx.Err() != nil {
		f := fault.New(http.StatusBadGateway, "the storage node %s did not answer in time", in.Backend)
		f.Cause = err
		return page, f
	}
	return page, err
}
