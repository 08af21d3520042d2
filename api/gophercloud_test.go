package api_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/noauth"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/manageablevolumes"
	cloudsnapshots "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	cloudvolumes "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/models"
)

// gophercloud is what Terraform and the Kubernetes plugin speak with.
func gopher(t *testing.T, microversion string) (*apitest.Rig, *gophercloud.ServiceClient) {
	rig := apitest.New(t, func(o *api.Options) { o.Auth = middleware.NoAuth{} })
	srv := httptest.NewServer(rig.Handler)
	t.Cleanup(srv.Close)
	provider, err := noauth.NewClient(gophercloud.AuthOptions{Username: "admin", TenantName: "demo"})
	require.NoError(t, err)
	client, err := noauth.NewBlockStorageNoAuthV3(provider, noauth.EndpointOpts{CinderEndpoint: srv.URL + "/v3"})
	require.NoError(t, err)
	client.Microversion = microversion
	return rig, client
}

func TestGophercloud(t *testing.T) {
	rig, client := gopher(t, "3.65")
	ctx := t.Context()

	v, err := cloudvolumes.Create(ctx, client, cloudvolumes.CreateOpts{Size: 1, Name: "g", VolumeType: "gold", Metadata: map[string]string{"a": "b"}},
		cloudvolumes.SchedulerHintOpts{DifferentHost: []string{uuidOf(1)}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "creating", v.Status)
	require.WithinDuration(t, rig.Store.Now(), v.CreatedAt, 60e9)

	status := models.VolumeAvailable
	_, err = rig.Store.ResetVolume(ctx, v.ID, models.StatusReset{Status: &status})
	require.NoError(t, err)
	require.NoError(t, cloudvolumes.ExtendSize(ctx, client, v.ID, cloudvolumes.ExtendSizeOpts{NewSize: 2}).ExtractErr())
	require.NoError(t, cloudvolumes.SetBootable(ctx, client, v.ID, cloudvolumes.BootableOpts{Bootable: true}).ExtractErr())
	name := "h"
	_, err = cloudvolumes.Update(ctx, client, v.ID, cloudvolumes.UpdateOpts{Name: &name}).Extract()
	require.NoError(t, err)
	got, err := cloudvolumes.Get(ctx, client, v.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, []any{2, "h", "true", "available"}, []any{got.Size, got.Name, got.Bootable, got.Status})

	for i := range 5 {
		rig.Store.Put(models.Volume{ID: uuidOf(i + 10), ProjectID: "demo", Name: "x"})
	}
	pages, err := cloudvolumes.List(client, cloudvolumes.ListOpts{Limit: 2, Metadata: map[string]string{}}).AllPages(ctx)
	require.NoError(t, err)
	all, err := cloudvolumes.ExtractVolumes(pages)
	require.NoError(t, err)
	require.Len(t, all, 6)

	require.NoError(t, cloudvolumes.Delete(ctx, client, v.ID, cloudvolumes.DeleteOpts{Cascade: true}).ExtractErr())
	_, err = cloudvolumes.Get(ctx, client, v.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, 404))
}

func TestGophercloudSnapshots(t *testing.T) {
	rig, client := gopher(t, "3.66")
	ctx := t.Context()
	rig.Store.Put(models.Volume{ID: uuidOf(1), ProjectID: "demo", Status: models.VolumeInUse, SizeGiB: 2})
	s, err := cloudsnapshots.Create(ctx, client, cloudsnapshots.CreateOpts{VolumeID: uuidOf(1), Name: "g", Metadata: map[string]string{"a": "b"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, []any{"creating", "g", 2}, []any{s.Status, s.Name, s.Size})
	require.WithinDuration(t, rig.Store.Now(), s.CreatedAt, 60e9)
	require.NoError(t, cloudsnapshots.UpdateStatus(ctx, client, s.ID, cloudsnapshots.UpdateStatusOpts{Status: "available", Progress: "100%"}).ExtractErr())
	got, err := cloudsnapshots.Get(ctx, client, s.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, []any{"available", "100%", "demo"}, []any{got.Status, got.Progress, got.ProjectID})

	name := "h"
	_, err = cloudsnapshots.Update(ctx, client, s.ID, cloudsnapshots.UpdateOpts{Name: &name}).Extract()
	require.NoError(t, err)
	metadata, err := cloudsnapshots.UpdateMetadata(ctx, client, s.ID, cloudsnapshots.UpdateMetadataOpts{Metadata: map[string]any{"c": "d"}}).ExtractMetadata()
	require.NoError(t, err)
	require.Equal(t, map[string]any{"c": "d"}, metadata)
	for i := range 3 {
		rig.Store.PutSnapshot(models.Snapshot{ID: uuidOf(i + 10), ProjectID: "demo", VolumeID: uuidOf(1)})
	}
	for _, list := range []func(*gophercloud.ServiceClient, cloudsnapshots.ListOptsBuilder) pagination.Pager{cloudsnapshots.List, cloudsnapshots.ListDetail} {
		pages, err := list(client, cloudsnapshots.ListOpts{Limit: 2, VolumeID: uuidOf(1), Sort: "name:desc"}).AllPages(ctx)
		require.NoError(t, err)
		all, err := cloudsnapshots.ExtractSnapshots(pages)
		require.NoError(t, err)
		require.Len(t, all, 4)
		require.Equal(t, "h", all[0].Name)
	}
	require.NoError(t, cloudsnapshots.ResetStatus(ctx, client, s.ID, cloudsnapshots.ResetStatusOpts{Status: "creating"}).ExtractErr())
	err = cloudsnapshots.Delete(ctx, client, s.ID).ExtractErr()
	require.True(t, gophercloud.ResponseCodeIs(err, 400))
	require.NoError(t, cloudsnapshots.ForceDelete(ctx, client, s.ID).ExtractErr())
	_, err = cloudsnapshots.Get(ctx, client, s.ID).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, 404))

	rig.Store.Services = []models.Service{{Binary: models.BinaryVolume, Host: "h@lvm", UpdatedAt: rig.Store.Now()}}
	v, err := manageablevolumes.ManageExisting(ctx, client, manageablevolumes.ManageExistingOpts{
		Host: "h@lvm#p", Ref: map[string]string{"source-name": "lv01"}, Name: "m", VolumeType: "gold", Bootable: true,
	}).Extract()
	require.NoError(t, err)
	require.Equal(t, "creating", v.Status)
	err = cloudvolumes.Unmanage(ctx, client, v.ID).ExtractErr()
	require.True(t, gophercloud.ResponseCodeIs(err, 400), "it is still being managed")
}
