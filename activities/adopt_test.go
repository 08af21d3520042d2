package activities

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// shelf is a backend with things on it that others made.
type shelf struct {
	*fake.Driver
	volumes, snapshots []models.Adoptable
	broken             error
}

var (
	_ drivers.Adopter         = (*shelf)(nil)
	_ drivers.AdoptLister     = (*shelf)(nil)
	_ drivers.SnapshotAdopter = (*shelf)(nil)
)

func (s *shelf) Capabilities() drivers.Capabilities {
	c := s.Driver.Capabilities()
	c.Adopt = true
	return c
}

func (s *shelf) list(items []models.Adoptable) iter.Seq2[models.Adoptable, error] {
	return func(yield func(models.Adoptable, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if s.broken != nil {
			yield(models.Adoptable{}, s.broken)
		}
	}
}

func (s *shelf) Adoptables(context.Context) iter.Seq2[models.Adoptable, error] {
	return s.list(s.volumes)
}

func (s *shelf) AdoptableSnapshots(context.Context) iter.Seq2[models.Adoptable, error] {
	return s.list(s.snapshots)
}

func take(items []models.Adoptable, id, ref string) error {
	for i := range items {
		switch {
		case items[i].Ref == ref && items[i].ID == "":
			items[i].Ref, items[i].ID = "clinker-"+id, id
			return nil
		case items[i].Ref == ref:
			return drivers.ErrExists
		}
	}
	return drivers.ErrNotFound
}

func leave(items []models.Adoptable, id string) (string, error) {
	for i := range items {
		if items[i].ID == id {
			items[i].ID = ""
			return items[i].Ref, nil
		}
	}
	return "", drivers.ErrNotFound
}

func (s *shelf) Adopt(ctx context.Context, v models.StorageVolume, ref string) (models.StorageVolume, error) {
	if err := take(s.volumes, v.ID, ref); err != nil {
		return v, err
	}
	return s.CreateVolume(ctx, v)
}

func (s *shelf) Release(_ context.Context, v models.StorageVolume) (string, error) {
	return leave(s.volumes, v.ID)
}

func (s *shelf) AdoptSnapshot(_ context.Context, sn models.StorageSnapshot, ref string) (models.StorageSnapshot, error) {
	return sn, take(s.snapshots, sn.ID, ref)
}

func (s *shelf) ReleaseSnapshot(_ context.Context, sn models.StorageSnapshot) (string, error) {
	return leave(s.snapshots, sn.ID)
}

func TestAdoption(t *testing.T) {
	s := &shelf{Driver: fake.New(fake.Options{}), volumes: []models.Adoptable{
		{Ref: "lv0", Size: models.GiB, ID: "other"}, {Ref: "lv1", Size: models.GiB + 5}, {Ref: "lv2", Size: models.GiB, Reason: "is in use"},
	}}
	a := &Adoption{Driver: s}
	env := environment(t)
	env.RegisterActivity(a)
	run := func(fn any, in flow.NodeInput) (flow.NodeResult, error) {
		var out flow.NodeResult
		v, err := env.ExecuteActivity(fn, in)
		if err == nil {
			require.NoError(t, v.Get(&out))
		}
		return out, err
	}
	in := flow.NodeInput{Volume: disk("a", 0), Ref: "lv1"}
	for range 2 {
		out, err := run(a.MeasureVolume, in)
		require.NoError(t, err)
		require.Equal(t, models.GiB+5, out.Volume.Size)
		in.Volume.Size = out.Volume.Size
	}
	for range 2 { // the second finds it under its new name
		out, err := run(a.AdoptVolume, in)
		require.NoError(t, err)
		require.Equal(t, "volume-a", out.Volume.Name)
		out, err = run(a.MeasureVolume, in)
		require.NoError(t, err)
		require.Equal(t, models.GiB+5, out.Volume.Size)
	}
	out, err := run(a.ReleaseVolume, in)
	require.NoError(t, err)
	require.Equal(t, "clinker-a", out.Ref)
	_, err = run(a.ReleaseVolume, in)
	require.NoError(t, err, "absent is success")

	for ref, kind := range map[string]flow.ErrorType{"lv2": flow.ErrCertain, "gone": flow.ErrNotFound} {
		_, err := run(a.MeasureVolume, flow.NodeInput{Volume: disk("b", 0), Ref: ref})
		require.Equal(t, kind, class(t, err), ref)
	}
	_, err = run(a.AdoptVolume, flow.NodeInput{Volume: disk("b", models.GiB), Ref: "lv0"})
	require.Equal(t, flow.ErrConflict, class(t, err), "somebody else's")
	s.broken = &drivers.Error{Op: "list", Driver: "shelf", Err: drivers.ErrUnavailable}
	_, err = run(a.MeasureVolume, flow.NodeInput{Volume: disk("c", 0), Ref: "gone"})
	require.Equal(t, flow.ErrUnavailable, class(t, err), "a list that broke off says nothing of absence")
}

func TestAdoptionOfSnapshots(t *testing.T) {
	s := &shelf{Driver: fake.New(fake.Options{}), snapshots: []models.Adoptable{{Ref: "old", Size: models.GiB}}}
	env := environment(t)
	env.RegisterActivity(&Snapshots{Driver: s})
	in := flow.NodeInput{Snapshot: snapshotOn(disk("a", models.GiB), "s"), Ref: "old"}
	_, err := env.ExecuteActivity(flow.TaskAdoptSnapshot, in)
	require.NoError(t, err)
	require.Equal(t, "s", s.snapshots[0].ID)
	for i := range 2 {
		v, err := env.ExecuteActivity(flow.TaskReleaseSnapshot, in)
		require.NoError(t, err)
		var out flow.NodeResult
		require.NoError(t, v.Get(&out))
		require.Equal(t, []string{"clinker-s", ""}[i], out.Ref)
	}
}

func TestListManageable(t *testing.T) {
	s := &shelf{Driver: fake.New(fake.Options{}), snapshots: []models.Adoptable{{Ref: "snap", SourceRef: "lv"}}}
	for i := range 400 {
		s.volumes = append(s.volumes, models.Adoptable{Ref: fmt.Sprintf("lv%03d", 399-i), Size: models.Bytes(i%2+1) * models.GiB})
	}
	list := func(in flow.ManageableListInput) (refs []string, total int) {
		t.Helper()
		env := environment(t)
		env.RegisterActivity(&Adoption{Driver: s})
		v, err := env.ExecuteActivity(flow.TaskListManageable, in)
		require.NoError(t, err)
		var out flow.ManageableListResult
		require.NoError(t, v.Get(&out))
		for _, item := range out.Items {
			refs = append(refs, item.Ref)
		}
		return refs, out.Total
	}
	all, total := list(flow.ManageableListInput{})
	require.Len(t, all, flow.MaxManageable, "payloads are bounded")
	require.Equal(t, 400, total)
	require.Equal(t, "lv000", all[0])
	many, _ := list(flow.ManageableListInput{Limit: 1000})
	require.Len(t, many, flow.MaxManageable)
	for name, c := range map[string]struct {
		in   flow.ManageableListInput
		want []string
	}{
		"by reference, down": {flow.ManageableListInput{Desc: true, Limit: 2}, []string{"lv399", "lv398"}},
		"by size":            {flow.ManageableListInput{SortBy: "size", Limit: 2}, []string{"lv001", "lv003"}},
		"by size, down":      {flow.ManageableListInput{SortBy: "size", Desc: true, Limit: 2}, []string{"lv398", "lv396"}},
		"after a marker":     {flow.ManageableListInput{Marker: "lv007", Limit: 2}, []string{"lv008", "lv009"}},
		"marker and offset":  {flow.ManageableListInput{Marker: "lv007", Offset: 3, Limit: 1}, []string{"lv011"}},
		"past the end":       {flow.ManageableListInput{Offset: 500}, nil},
		"snapshots":          {flow.ManageableListInput{Snapshots: true}, []string{"snap"}},
	} {
		got, _ := list(c.in)
		require.Equal(t, c.want, got, name)
	}
	s.broken = errors.New("half a list")
	env := environment(t)
	env.RegisterActivity(&Adoption{Driver: s})
	_, err := env.ExecuteActivity(flow.TaskListManageable, flow.ManageableListInput{})
	require.Equal(t, flow.ErrUnavailable, class(t, err))
}
