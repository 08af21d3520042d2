package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func TestExtractVolumeRequest(t *testing.T) {
	c := newCatalogue(t)
	in := createRequest(10)
	in.Description = "for the shop"
	spec, err := c.ExtractVolumeRequest(ctx, in)
	require.NoError(t, err)
	v := spec.Volume
	require.Equal(t, in.ResourceID, v.ID)
	require.Equal(t, in.FlowID, v.FlowID)
	require.Equal(t, []string{project, "u", "db", "for the shop", "nova", c.gold.ID}, []string{v.ProjectID, v.UserID, v.Name, v.Description, v.AvailabilityZone, v.VolumeTypeID})
	require.Equal(t, models.VolumeCreating, v.Status)
	require.True(t, v.Multiattach, "the type says so")
	require.True(t, v.ConsumesQuota)
	require.Equal(t, "thick", spec.Provisioning)
	require.Equal(t, []string{"nova"}, spec.AvailabilityZones)
	require.Equal(t, []models.QuotaDelta{
		{Resource: "volumes", Delta: 1}, {Resource: "gigabytes", Delta: 10}, {Resource: "volumes_gold", Delta: 1}, {Resource: "gigabytes_gold", Delta: 10},
	}, spec.Quota)
	require.Nil(t, spec.Source)
	require.Nil(t, v.Metadata, "it travels once, in the flow's input")
}

func TestExtractRefusals(t *testing.T) {
	c := newCatalogue(t)
	source := c.available(t, 10, pool)
	busy := createRequest(5)
	c.entered(t, busy)
	type change func(*catalogue, *flow.VolumeCreateInput)
	for name, test := range map[string]struct {
		change change
		kind   flow.ErrorType
		says   string
	}{
		"type by name":              {func(_ *catalogue, in *flow.VolumeCreateInput) { in.VolumeType = "gold" }, "", ""},
		"type by id":                {func(c *catalogue, in *flow.VolumeCreateInput) { in.VolumeType = c.gold.ID }, "", ""},
		"type unknown":              {func(_ *catalogue, in *flow.VolumeCreateInput) { in.VolumeType = "tin" }, flow.ErrNotFound, "Volume type with name tin could not be found."},
		"private type of others":    {func(_ *catalogue, in *flow.VolumeCreateInput) { in.VolumeType = "hidden" }, flow.ErrNotFound, "hidden"},
		"private type for an admin": {func(_ *catalogue, in *flow.VolumeCreateInput) { in.VolumeType, in.Admin = "hidden", true }, "", ""},
		"private default type":      {func(c *catalogue, in *flow.VolumeCreateInput) { c.DefaultType = "hidden" }, "", ""},
		"no default type":           {func(c *catalogue, in *flow.VolumeCreateInput) { c.DefaultType = "tin" }, flow.ErrMisconfigured, "Default volume type tin can not be found."},
		"smaller than the type's":   {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SizeGiB = 1 }, flow.ErrInvalid, "'1' GB is less than the minimum required '2' GB for volume type 'gold'"},
		"larger than the type's":    {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SizeGiB = 91 }, flow.ErrInvalid, "greater than the maximum allowable '90' GB"},
		"the type's limits":         {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SizeGiB = 90 }, "", ""},
		"zone unknown":              {func(_ *catalogue, in *flow.VolumeCreateInput) { in.AvailabilityZone = "moon" }, flow.ErrInvalid, "Availability zone 'moon' is invalid; it must be one of nova"},
		"zone unknown, falls back": {func(c *catalogue, in *flow.VolumeCreateInput) {
			c.ZoneFallback, in.AvailabilityZone = true, "moon"
		}, "", ""},
		"zone of a pool":   {func(c *catalogue, in *flow.VolumeCreateInput) { c.DefaultZone, in.AvailabilityZone = "home", "nova" }, "", ""},
		"source":           {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID = source.ID }, "", ""},
		"source not there": {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID = uuid.NewString() }, flow.ErrNotFound, "could not be found"},
		"source of others": {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID, in.ProjectID = source.ID, "others" }, flow.ErrNotFound, "could not be found"},
		"source, by admin": {func(_ *catalogue, in *flow.VolumeCreateInput) {
			in.SourceVolID, in.ProjectID, in.Admin = source.ID, "others", true
		}, "", ""},
		"source not ready":  {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID = busy.ResourceID }, flow.ErrInvalid, "is creating; it must be available or in-use"},
		"source too large":  {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID, in.SizeGiB = source.ID, 9 }, flow.ErrInvalid, "'9'GB cannot be smaller than original volume size 10GB"},
		"source, more room": {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID, in.SizeGiB = source.ID, 20 }, "", ""},
		"source, its type":  {func(_ *catalogue, in *flow.VolumeCreateInput) { in.SourceVolID, in.VolumeType = source.ID, "gold" }, "", ""},
		"source, other type": {func(_ *catalogue, in *flow.VolumeCreateInput) {
			in.SourceVolID, in.VolumeType, in.Admin = source.ID, "hidden", true
		}, flow.ErrInvalid, "must be that of the source volume"},
		"source, other zone": {func(_ *catalogue, in *flow.VolumeCreateInput) {
			in.SourceVolID, in.AvailabilityZone = source.ID, "moon"
		}, flow.ErrInvalid, "same availability zone as the source volume (nova)"},
	} {
		t.Run(name, func(t *testing.T) {
			c, in := *c, createRequest(10)
			test.change(&c, &in)
			_, err := c.ExtractVolumeRequest(ctx, in)
			require.Equal(t, test.kind, class(t, err))
			if err != nil {
				require.Contains(t, wire.Parse(err).Message, test.says)
			}
		})
	}
}

func TestExtractOfAClone(t *testing.T) {
	c := newCatalogue(t)
	source := c.available(t, 10, pool)
	in := createRequest(0)
	in.SourceVolID = source.ID
	spec, err := c.ExtractVolumeRequest(ctx, in)
	require.NoError(t, err)
	require.Equal(t, int64(10), spec.Volume.SizeGiB, "the source's size where none is asked for")
	require.Equal(t, pool, spec.SourceHost)
	require.Equal(t, models.StorageVolume{ID: source.ID, Name: "volume-" + source.ID, Size: 10 * models.GiB, Pool: "p", Location: "loc"}, *spec.Source)
}

// brokenType answers with extra specs that no pool could ever satisfy.
type brokenType struct{ RequestStore }

func (b brokenType) GetVolumeType(context.Context, string, string) (models.VolumeType, error) {
	return models.VolumeType{Name: "odd", ExtraSpecs: map[string]string{"provisioning:min_vol_size": "x"}}, nil
}

// away is a catalogue that does not answer.
type away struct{ RequestStore }

func (away) GetVolumeType(context.Context, string, string) (models.VolumeType, error) {
	return models.VolumeType{}, fmt.Errorf("%w: dial", models.ErrUnavailable)
}

func TestExtractWithABrokenTypeOrWithoutACatalogue(t *testing.T) {
	r := Requests{Store: brokenType{}, DefaultType: "odd", DefaultZone: "nova"}
	_, err := r.ExtractVolumeRequest(ctx, createRequest(10))
	require.Equal(t, flow.ErrInvalid, class(t, err))
	require.Contains(t, wire.Parse(err).Message, "volume type odd: extra spec provisioning:min_vol_size")
	r.Store = away{}
	_, err = r.ExtractVolumeRequest(ctx, createRequest(10))
	require.Equal(t, flow.ErrUnavailable, class(t, err), "tried again")
}

func TestExtractExtendRequest(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	for _, test := range []struct {
		size    int64
		project string
		admin   bool
		kind    flow.ErrorType
		says    string
	}{
		{20, project, false, "", ""},
		{20, "others", true, "", ""},
		{20, "others", false, flow.ErrNotFound, "not found"},
		{10, project, false, flow.ErrInvalid, "New size for extend must be greater than current size. (current: 10, extended: 10)."},
		{91, project, false, flow.ErrInvalid, "greater than the maximum"},
	} {
		in := flow.VolumeExtendInput{Header: request(flow.VolumeExtend, v.ID), NewSizeGiB: test.size}
		in.ProjectID, in.Admin = test.project, test.admin
		spec, err := c.ExtractExtendRequest(ctx, in)
		require.Equal(t, test.kind, class(t, err))
		if err != nil {
			require.Contains(t, wire.Parse(err).Message, test.says)
			continue
		}
		require.Equal(t, []models.QuotaDelta{{Resource: "gigabytes", Delta: 10}, {Resource: "gigabytes_gold", Delta: 10}}, spec.Quota)
		require.Equal(t, 10*models.GiB, spec.Storage.Size)
		require.Equal(t, "thick", spec.Storage.Provisioning, "what is added is preallocated as the rest was")
		require.Equal(t, pool, spec.Volume.Host)
		require.Nil(t, spec.Volume.Metadata)
	}
}

// What the API lets through (32 KiB of metadata, 32 KiB of extra specs, as JSON) must fit into every payload of a create.
func TestLegalRequestsFitIntoPayloads(t *testing.T) {
	const limit = 64 << 10
	full := map[string]string{}
	for i := range 31 {
		full[fmt.Sprintf("key%028d", i)] = strings.Repeat("x", 1000)
	}
	in := createRequest(10)
	in.Metadata, in.Name, in.Description = full, strings.Repeat("<", 255), strings.Repeat("\x01", 255)
	in.Hints.Query = strings.Repeat("q", 4<<10)
	for range 64 {
		in.Hints.SameHost = append(in.Hints.SameHost, uuid.NewString())
		in.Hints.DifferentHost = append(in.Hints.DifferentHost, uuid.NewString())
	}
	c := newCatalogue(t)
	_, err := c.Store.CreateVolumeType(ctx, models.VolumeType{Name: "full", IsPublic: true, ExtraSpecs: full}, nil)
	require.NoError(t, err)
	in.VolumeType = "full"
	spec, err := c.ExtractVolumeRequest(ctx, in)
	require.NoError(t, err)
	row := spec.Volume
	row.Metadata = in.Metadata
	for name, payload := range map[string]any{
		"input":  in,
		"spec":   spec,
		"entry":  flow.EntryCreateInput{Header: in.Header, Volume: row},
		"answer": flow.VolumeResult{Volume: row},
		"cast":   flow.VolumeCastInput{Header: in.Header, Spec: spec, Hints: in.Hints},
	} {
		b, err := json.Marshal(payload)
		require.NoError(t, err)
		require.Less(t, len(b), limit, name)
	}
}

func TestStorageNames(t *testing.T) {
	for _, template := range []string{"volume-%s", "volume-%(id)s"} {
		require.Equal(t, "volume-x", (flow.Names{Volume: template}).StorageVolume(models.Volume{ID: "x"}).Name)
	}
}
