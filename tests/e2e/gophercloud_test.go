package e2e

import (
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/noauth"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/schedulerstats"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

const gopherProject = "gophers"

// The same with gophercloud, which Terraform and the Kubernetes plugin are made of.
func gophercloudClient(t *testing.T, s *harness.Server) {
	ctx, api := t.Context(), s.API(gopherProject)
	provider, err := noauth.NewClient(gophercloud.AuthOptions{Username: "admin", TenantName: gopherProject})
	require.NoError(t, err)
	c, err := noauth.NewBlockStorageNoAuthV3(provider, noauth.EndpointOpts{CinderEndpoint: "http://" + s.APIAddr + "/v3"})
	require.NoError(t, err)
	c.Microversion = "3.65"

	typ, err := volumetypes.Create(ctx, c, volumetypes.CreateOpts{Name: "gopher-gold", ExtraSpecs: map[string]string{"volume_backend_name": "dir"}}).Extract()
	require.NoError(t, err)
	v, err := volumes.Create(ctx, c, volumes.CreateOpts{Size: 1, Name: "g1", VolumeType: typ.Name, Metadata: map[string]string{"a": "b"}}, nil).Extract()
	require.NoError(t, err)
	require.Equal(t, "creating", v.Status)
	require.NoError(t, volumes.WaitForStatus(ctx, c, v.ID, "available"))
	pattern := writePattern(t, harness.VolumeFile(s.VolumeDir(), v.ID))

	require.NoError(t, volumes.ExtendSize(ctx, c, v.ID, volumes.ExtendSizeOpts{NewSize: 2}).ExtractErr())
	require.NoError(t, volumes.WaitForStatus(ctx, c, v.ID, "available"))
	name := "g2"
	_, err = volumes.Update(ctx, c, v.ID, volumes.UpdateOpts{Name: &name, Metadata: map[string]string{"c": "d"}}).Extract()
	require.NoError(t, err)
	got, err := volumes.Get(ctx, c, v.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, "g2", got.Name)
	require.Equal(t, 2, got.Size)
	require.Equal(t, map[string]string{"c": "d"}, got.Metadata)

	cloned, err := volumes.Create(ctx, c, volumes.CreateOpts{SourceVolID: v.ID, Name: "g3"}, nil).Extract()
	require.NoError(t, err)
	require.NoError(t, volumes.WaitForStatus(ctx, c, cloned.ID, "available"))
	requirePattern(t, harness.VolumeFile(s.VolumeDir(), cloned.ID), pattern)

	pages, err := volumes.List(c, volumes.ListOpts{Limit: 1, Sort: "name:desc"}).AllPages(ctx)
	require.NoError(t, err)
	all, err := volumes.ExtractVolumes(pages)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []string{cloned.ID, v.ID}, []string{all[0].ID, all[1].ID})

	gopherOperators(t, c)

	require.NoError(t, volumes.ResetStatus(ctx, c, v.ID, volumes.ResetStatusOpts{Status: "maintenance"}).ExtractErr())
	err = volumes.Delete(ctx, c, v.ID, nil).ExtractErr()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusBadRequest), "%v", err)
	require.NoError(t, volumes.ForceDelete(ctx, c, v.ID).ExtractErr())
	require.NoError(t, volumes.Delete(ctx, c, cloned.ID, volumes.DeleteOpts{Cascade: true}).ExtractErr())
	api.WaitGone(t, v.ID)
	api.WaitGone(t, cloned.ID)
	harness.CheckUsage(t, api)
}

// gopherOperators asks what an operator asks, while two volumes of 2 GiB are there.
func gopherOperators(t *testing.T, c *gophercloud.ServiceClient) {
	ctx := t.Context()
	volumeLimit := 12
	_, err := quotasets.Update(ctx, c, gopherProject, quotasets.UpdateOpts{Volumes: &volumeLimit}).Extract()
	require.NoError(t, err)
	usage, err := quotasets.GetUsage(ctx, c, gopherProject).Extract()
	require.NoError(t, err)
	require.Equal(t, []int{12, 2, 4}, []int{usage.Volumes.Limit, usage.Volumes.InUse, usage.Gigabytes.InUse})
	l, err := limits.Get(ctx, c).Extract()
	require.NoError(t, err)
	require.Equal(t, []int{12, 2}, []int{l.Absolute.MaxTotalVolumes, l.Absolute.TotalVolumesUsed})

	pages, err := schedulerstats.List(c, schedulerstats.ListOpts{Detail: true}).AllPages(ctx)
	require.NoError(t, err)
	pools, err := schedulerstats.ExtractStoragePools(pages)
	require.NoError(t, err)
	require.Len(t, pools, 1)
	require.Equal(t, "dir", pools[0].Capabilities.VolumeBackendName)
	require.Positive(t, pools[0].Capabilities.FreeCapacityGB)
	pages, err = services.List(c, services.ListOpts{Binary: "cinder-volume"}).AllPages(ctx)
	require.NoError(t, err)
	list, err := services.ExtractServices(pages)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "up", list[0].State)
	pages, err = availabilityzones.List(c).AllPages(ctx)
	require.NoError(t, err)
	zones, err := availabilityzones.ExtractAvailabilityZones(pages)
	require.NoError(t, err)
	require.Equal(t, []availabilityzones.AvailabilityZone{{ZoneName: "nova", ZoneState: availabilityzones.ZoneState{Available: true}}}, zones)
}
