package lvm

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
	"github.com/clinker-storage/clinker/models"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions(map[string]string{"lvm_type": "default"})
	require.NoError(t, err)
	require.Equal(t, options{group: "cinder-volumes", confFile: "/etc/cinder/lvm.conf", tries: 3, clear: true}, o)
	require.Equal(t, "cinder-volumes-pool", o.pool())

	o, err = parseOptions(map[string]string{
		"volume_group": "vg1", "lvm_type": "thin", "lvm_mirrors": "0", "lvm_conf_file": "/x/lvm.conf", "num_shell_tries": "5",
		"volume_clear": "none", "volume_clear_size": "100", "volume_clear_ionice": "-c2 -n7", "volume_copy_bps_limit": "1048576",
		"max_over_subscription_ratio": "auto", "backup_keep_base_snapshot": "true",
	})
	require.NoError(t, err)
	require.Equal(t, options{
		group: "vg1", thin: true, confFile: "/x/lvm.conf", tries: 5, clearSize: 100 << 20, ioPrio: 2<<13 | 7, copyLimit: 1 << 20, autoRatio: true, keepBase: true,
	}, o)

	o, err = parseOptions(map[string]string{"lvm_type": "auto", "lvm_mirrors": "1"})
	require.NoError(t, err)
	require.False(t, o.thin, "mirrors need thick volumes")
	o, err = parseOptions(map[string]string{"lvm_type": "default", "backup_keep_base_snapshot": "true"})
	require.NoError(t, err)
	require.False(t, o.keepBase, "thick snapshots can't be compared")
}

func TestOptionsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"volume_group": "../etc", "lvm_type": "thick", "lvm_mirrors": "11", "volume_clear": "shred", "volume_clear_size": "1025",
		"volume_clear_ionice": "-c9", "volume_copy_bps_limit": "-1", "num_shell_tries": "0", "backup_keep_base_snapshot": "some",
	} {
		_, err := parseOptions(map[string]string{name: text})
		require.ErrorIs(t, err, drivers.ErrInvalid, name)
		require.ErrorContains(t, err, "allowed are")
	}
	_, err := parseOptions(map[string]string{"lvm_type": "thin", "lvm_mirrors": "1"})
	require.ErrorIs(t, err, drivers.ErrInvalid)
}

func TestIONice(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "-c3": 3<<13 | 4, "-c 3": 3<<13 | 4, "-c2 -n0": 2 << 13, "-n 7 -c 2": 2<<13 | 7, "-c0": 0, "-n7": 0,
	} {
		got, err := parseIONice(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"idle", "-c", "-c3 -p1", "-n8", "3"} {
		if text == "-c" {
			continue // says nothing
		}
		_, err := parseIONice(text)
		require.ErrorIs(t, err, drivers.ErrInvalid, text)
	}
}

func TestNames(t *testing.T) {
	const id = "0d1c8e4e-1111-2222-3333-444444444444"
	good := drivers.Volume{ID: id, Name: "volume-" + id}
	require.NoError(t, checkVolume(good))
	for _, v := range []drivers.Volume{
		{ID: id, Name: "volume"},
		{ID: "another", Name: good.Name},
		{Name: "snapshot-" + id},
		{Name: "pvmove" + id},
		{Name: "volume_tdata-" + id},
		{Name: "../" + id},
	} {
		require.ErrorIs(t, checkVolume(v), drivers.ErrInvalid, v.Name)
	}
	require.Equal(t, "_snapshot-"+id, snapshotLV("snapshot-"+id))
	require.Equal(t, "snap-"+id, snapshotLV("snap-"+id))

	d := &Driver{opts: options{group: "cinder-volumes"}}
	name := d.deletingLV(good.Name, "H8NFp5-Mndk-Fvsp")
	require.Equal(t, "_deleting-H8NFp5-"+good.Name, name)
	require.True(t, isDeletingName(name))
	long := d.deletingLV("volume-"+id+string(make([]byte, 100)), "H8NFp5-Mndk-Fvsp")
	require.LessOrEqual(t, len(long)+len("cinder-volumes"), maxLV)
}

func TestClip(t *testing.T) {
	r := func(offset, length int64) lvmcmd.Range { return lvmcmd.Range{Offset: offset, Length: length} }
	e := func(offset, length int64) drivers.Extent {
		return drivers.Extent{Offset: drivers.Bytes(offset), Length: drivers.Bytes(length)}
	}
	for name, test := range map[string]struct {
		ranges       []lvmcmd.Range
		before, size int64
		want         []drivers.Extent
	}{
		"nothing":                   {nil, 100, 100, nil},
		"as it is":                  {[]lvmcmd.Range{r(0, 10), r(50, 10)}, 100, 100, []drivers.Extent{e(0, 10), e(50, 10)}},
		"cut at the end":            {[]lvmcmd.Range{r(90, 64)}, 100, 100, []drivers.Extent{e(90, 10)}},
		"grown":                     {[]lvmcmd.Range{r(0, 10), r(150, 10)}, 100, 200, []drivers.Extent{e(0, 10), e(100, 100)}},
		"grown, changed to the end": {[]lvmcmd.Range{r(90, 64)}, 100, 200, []drivers.Extent{e(90, 110)}},
		"beyond":                    {[]lvmcmd.Range{r(128, 64)}, 100, 100, nil},
	} {
		require.Equal(t, test.want, clip(test.ranges, test.before, test.size), name)
	}
}

func TestStoreLength(t *testing.T) {
	const gib = 1 << 30
	require.Equal(t, int64(gib), storeLength(lvmcmd.LV{Size: gib, Invalid: true, DataPercent: 100}), "all of one that overflowed")
	require.Equal(t, int64(gib), storeLength(lvmcmd.LV{Size: gib, DataPercent: -1}), "or whose use is not known")
	require.Equal(t, int64(8<<20), storeLength(lvmcmd.LV{Size: 8 << 20, DataPercent: 1}))
	half := storeLength(lvmcmd.LV{Size: gib, DataPercent: 50})
	require.Greater(t, half, int64(gib/2))
	require.Less(t, half, int64(gib*6/10))
	require.Zero(t, half%page, "O_DIRECT takes whole pages")
	require.Greater(t, storeSize(gib), int64(gib+gib/4096*16))
}

func TestMark(t *testing.T) {
	m := mark{name: "_snapshot-1", id: "1", size: 5, full: 7, sum: "ab"}
	back, ok := parseMark(m.String())
	require.True(t, ok)
	require.Equal(t, m, back)
	for _, text := range []string{"", "a/b", "a/b/x/1/", "a/b/1/2/3/4"} {
		_, ok := parseMark(text)
		require.False(t, ok, text)
	}
}

// A pool that is not well takes the backend down; one near its end only has nothing to give.
func TestPoolStats(t *testing.T) {
	d := &Driver{opts: options{group: "vg", thin: true}, cfg: drivers.Config{Host: "node", Backend: "lvm1"}}
	pool := lvmcmd.LV{Name: "vg-pool", IsPool: true, Size: 100 << 30, DataPercent: 25, MetadataPercent: 10}
	thin := lvmcmd.LV{Name: "v", Pool: "vg-pool", ThinID: 1, Size: 10 << 30, Tags: map[string]string{tagVolume: "1"}}
	rep := func(change func(*lvmcmd.LV, *lvmcmd.VG)) lvmcmd.Report {
		vg, p := lvmcmd.VG{Size: 200 << 30, MetadataSize: 1 << 20, MetadataFree: 400 << 10}, pool
		change(&p, &vg)
		return lvmcmd.Report{VG: vg, LVs: []lvmcmd.LV{p, thin}}
	}
	for name, test := range map[string]struct {
		change func(*lvmcmd.LV, *lvmcmd.VG)
		state  string
		free   float64
	}{
		"well":                    {func(*lvmcmd.LV, *lvmcmd.VG) {}, "up", 75},
		"data nearly full":        {func(p *lvmcmd.LV, _ *lvmcmd.VG) { p.DataPercent = 90 }, "up", 0},
		"tables nearly full":      {func(p *lvmcmd.LV, _ *lvmcmd.VG) { p.MetadataPercent = 75 }, "up", 0},
		"full":                    {func(p *lvmcmd.LV, _ *lvmcmd.VG) { p.DataPercent, p.Health = 100, "out_of_data" }, "up", 0},
		"failed":                  {func(p *lvmcmd.LV, _ *lvmcmd.VG) { p.Health = "failed" }, "down", 75},
		"read-only":               {func(p *lvmcmd.LV, _ *lvmcmd.VG) { p.Health = "metadata_read_only" }, "down", 75},
		"needs a check":           {func(p *lvmcmd.LV, _ *lvmcmd.VG) { p.NeedsCheck = true }, "down", 75},
		"a disk is missing":       {func(_ *lvmcmd.LV, vg *lvmcmd.VG) { vg.MissingPVs = 1 }, "down", 75},
		"group's metadata at end": {func(_ *lvmcmd.LV, vg *lvmcmd.VG) { vg.MetadataFree = 1 << 10 }, "up", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := rep(test.change)
			p := d.stats(r)
			require.Equal(t, test.state, p.BackendState)
			require.InDelta(t, test.free, p.Free.GiB, 0.001)
			require.Equal(t, models.Capacity{GiB: 100}, p.Total)
			require.InDelta(t, 10, p.ProvisionedGiB, 0.001)
			require.Equal(t, 1, p.TotalVolumes)
			require.Equal(t, "LVMVolumeDriver:node:vg:thin:0", p.LocationInfo)
			err := (&step{Driver: d, rep: r}).room()
			switch {
			case test.state == "down":
				require.ErrorIs(t, err, drivers.ErrUnavailable)
			case test.free == 0:
				require.ErrorIs(t, err, drivers.ErrNoSpace)
			default:
				require.NoError(t, err)
			}
		})
	}
}

// A report names the flows whose volumes it counts while they are zeroed or copied.
func TestMaking(t *testing.T) {
	d := &Driver{opts: options{group: "vg"}, cfg: drivers.Config{Host: "node", Backend: "lvm1", CloudID: "c"}}
	lv := func(name, state, flow, cloud string) lvmcmd.LV {
		tags := map[string]string{tagVolume: name, tagState: state, tagFlow: flow, tagCloud: cloud}
		maps.DeleteFunc(tags, func(_, v string) bool { return v == "" })
		return lvmcmd.LV{Name: name, ThinID: -1, Size: 1 << 30, Tags: tags}
	}
	rep := lvmcmd.Report{VG: lvmcmd.VG{Size: 200 << 30, MetadataSize: 1 << 20, MetadataFree: 400 << 10}, LVs: []lvmcmd.LV{
		lv("1", "", "whole", "c"), lv("2", building, "zeroed", "c"), lv("3", copying, "copied", "c"), lv("4", deleting, "goes", "c"),
		lv("5", building, "", "c"), lv("6", building, "stranger", "d"),
	}}
	p := d.stats(rep)
	require.Equal(t, []string{"zeroed", "copied"}, p.Making)
	require.InDelta(t, 6, p.ProvisionedGiB, 0.001)
	for range mostMaking {
		rep.LVs = append(rep.LVs, lv("7", building, "many", "c"))
	}
	require.Len(t, d.stats(rep).Making, mostMaking)
}

func TestAutoRatio(t *testing.T) {
	require.InDelta(t, 20, autoRatio(drivers.PoolStats{}), 0)
	p := drivers.PoolStats{ProvisionedGiB: 100, Total: models.Capacity{GiB: 50}, Free: models.Capacity{GiB: 31}}
	require.InDelta(t, 6, autoRatio(p), 0.001)
}

// Without LVM, or without the rights to use it, the node says what to do.
func TestNoLVM(t *testing.T) {
	for name, a := range map[string]execxtest.Answer{
		"not root": {Exit: 5, Stderr: "  WARNING: Running as a non-root user. Functionality may be unavailable.\n  /run/lock/lvm/P_global:aux: open failed: Permission denied\n"},
		"no group": {Stdout: `{"report":[{"pv":[]}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := newDriver(drivers.Config{Backend: "lvm1", StateDir: t.TempDir(), Options: map[string]string{"lvm_type": "default"}},
				execxtest.New(t).On("lvm pvs", a))
			require.NoError(t, err)
			defer d.Close()
			err = d.Check(t.Context())
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.NotEmpty(t, drivers.Hint(err))
		})
	}
}
