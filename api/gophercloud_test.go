package api_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/noauth"
	cloudvolumes "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/models"
)

// gophercloud is what Terraform and the Kubernetes plugin speak with.
func TestGophercloud(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.Auth = middleware.NoAuth{} })
	srv := httptest.NewServer(rig.Handler)
	defer srv.Close()
	provider, err := noauth.NewClient(gophercloud.AuthOptions{Username: "admin", TenantName: "demo"})
	require.NoError(t, err)
	client, err := noauth.NewBlockStorageNoAuthV3(provider, noauth.EndpointOpts{CinderEndpoint: srv.URL + "/v3"})
	require.NoError(t, err)
	client.Microversion = "3.65"
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
