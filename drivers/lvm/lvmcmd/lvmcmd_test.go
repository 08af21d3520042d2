package lvmcmd_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
)

const (
	uuid = "H8NFp5-Mndk-Fvsp-eMbz-5wSt-e6Sc-rOiXsI"
	pvs  = `{"report":[{"pv":[{"pv_name":"/dev/sdb", "vg_uuid":"` + uuid + `", "vg_name":"cinder-volumes"}]}]}`
	with = " --devices /dev/sdb "
)

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}

// located is a group on /dev/sdb; the look-up itself is forgotten.
func located(t *testing.T) (*lvmcmd.Group, *execxtest.Runner) {
	t.Helper()
	run := execxtest.New(t).On("lvm pvs", execxtest.Answer{Stdout: pvs})
	g := lvmcmd.New(run, lvmcmd.Options{Name: "cinder-volumes", Attempts: lvmcmd.Attempts{Pause: time.Millisecond}})
	require.NoError(t, g.Locate(t.Context()))
	run.Forget()
	return g, run
}

func TestReport(t *testing.T) {
	g, run := located(t)
	run.On("lvm fullreport", execxtest.Answer{Stdout: fixture(t, "report-2.03.16.json")})
	rep, err := g.Report(t.Context(), lvmcmd.Select{})
	require.NoError(t, err)
	require.Equal(t, lvmcmd.VG{
		UUID: uuid, Name: "cinder-volumes", Size: 4290772992, Free: 3674210304, Extent: 4 << 20, MetadataSize: 1044480, MetadataFree: 517632,
		Count: 5, Tags: map[string]string{}, Devices: []string{"/dev/ubdb"},
	}, rep.VG)
	require.Len(t, rep.LVs, 8)

	thin, ok := rep.LV("volume-00-11")
	require.True(t, ok)
	require.True(t, thin.Thin())
	require.Equal(t, 1, thin.ThinID)
	require.Equal(t, map[string]string{"clinker.cloud": "1", "clinker.volume": "00-11"}, thin.Tags)
	require.True(t, thin.Active)
	require.False(t, thin.Open || thin.ThickOrigin || thin.Hidden || thin.Merging || thin.Suspended || thin.Invalid)
	require.Equal(t, int64(100<<20), thin.Size)
	require.Equal(t, "/dev/cinder-volumes/volume-00-11", thin.Path)

	snap, _ := rep.LV("_snapshot-1")
	require.Equal(t, "volume-00-11", snap.Origin)
	require.False(t, snap.ThickSnapshot)

	pool, _ := rep.LV("cinder-volumes-pool")
	require.True(t, pool.IsPool && pool.Zeroes)
	require.Equal(t, "queue", pool.WhenFull)
	require.InDelta(t, 10.45, pool.MetadataPercent, 0.001)
	require.Equal(t, int64(64<<10), pool.Chunk)

	origin, _ := rep.LV("volume-20")
	require.True(t, origin.ThickOrigin)
	require.False(t, origin.Thin())
	full, _ := rep.LV("_snapshot-20")
	require.True(t, full.ThickSnapshot && full.Invalid, "its store overflowed")
	require.InDelta(t, 100, full.DataPercent, 0)

	part, ok := rep.LV("cinder-volumes-pool_tdata")
	require.True(t, ok)
	require.True(t, part.Hidden)
	_, ok = rep.LV("volume-21")
	require.False(t, ok)
}

func TestReportNamesDevicesAndUUID(t *testing.T) {
	g, run := located(t)
	run.On("lvm fullreport", execxtest.Answer{Stdout: fixture(t, "report-empty-2.03.16.json")})
	rep, err := g.Report(t.Context(), lvmcmd.Select{IDs: []string{"00-11"}, Key: "clinker.volume"})
	require.NoError(t, err)
	require.Empty(t, rep.LVs, "an empty group that was seen is an answer")
	line := run.Lines()[0]
	require.True(t, strings.HasPrefix(line, "lvm fullreport"+with), line)
	require.Contains(t, line, "-S vg_uuid="+uuid)
	call := run.Calls()[0]
	require.Contains(t, call.Args, `lv_layout={"pool"} || lv_name=~"00-11" || lv_tags={"clinker.volume=00-11"}`)
	require.False(t, call.Gentle, "a report may be cut off")
}

func TestReportCutShortIsReadAgain(t *testing.T) {
	g, run := located(t)
	run.On("lvm fullreport", execxtest.Answer{Stdout: `{"report":[{"vg":[{"vg_uuid":"`}, execxtest.Answer{}, execxtest.Answer{Stdout: fixture(t, "report-2.03.16.json")})
	rep, err := g.Report(t.Context(), lvmcmd.Select{})
	require.NoError(t, err)
	require.Len(t, rep.LVs, 8)
}

// Absence is certain only from a report that could have shown presence (data-safety rule 4).
func TestUncertainReports(t *testing.T) {
	none := strings.ReplaceAll(fixture(t, "report-empty-2.03.16.json"), uuid, "other")
	for name, a := range map[string]execxtest.Answer{
		"two groups of that name": {Exit: 5, Stdout: `{"report":[{"vg":[],"lv":[]}]}`, Stderr: fixture(t, "duplicate-2.03.16.stderr")},
		"no group":                {Stdout: `{"report":[]}`},
		"an empty group":          {Stdout: `{"report":[{"vg":[],"lv":[]}]}`},
		"another group":           {Stdout: none},
		"half a report":           {Stdout: `{"report":[{"vg":[{"vg_uuid":"`},
		"nothing":                 {},
		"not root":                {Exit: 5, Stderr: "  /run/lock/lvm/V_vg:aux: open failed: Permission denied\n"},
		"no LVM":                  {Err: execx.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			g, run := located(t)
			run.On("lvm fullreport", a)
			rep, err := g.Report(t.Context(), lvmcmd.Select{})
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.NotErrorIs(t, err, drivers.ErrNotFound)
			require.Empty(t, rep.LVs)
		})
	}
}

// Device names change at a boot: the group is looked for again, by its uuid.
func TestReportFollowsTheGroup(t *testing.T) {
	g, run := located(t)
	run.On("lvm pvs", execxtest.Answer{Stdout: strings.ReplaceAll(pvs, "sdb", "sdz")})
	run.OnFunc("lvm fullreport", func(c execxtest.Call) execxtest.Answer {
		if strings.Contains(c.String(), "/dev/sdz") {
			return execxtest.Answer{Stdout: fixture(t, "report-2.03.16.json")}
		}
		return execxtest.Answer{Stdout: `{"report":[]}`}
	})
	rep, err := g.Report(t.Context(), lvmcmd.Select{})
	require.NoError(t, err)
	require.Len(t, rep.LVs, 8)
}

func TestLocate(t *testing.T) {
	two := fixture(t, "pvs-duplicate-2.03.16.json")
	for _, test := range []struct {
		name, pvs, expect string
		fails             string
	}{
		{"the only one", pvs, "", ""},
		{"two of the name", two, "", "several volume groups have this name"},
		{"two of the name, known by uuid", two, uuid, ""},
		{"none", `{"report":[{"pv":[]}]}`, "", "the volume group is not there"},
		{"another of the name", pvs, "OXYeZF-5NUO-shK4-ypa9-3csr-JfyB-fQ4dTs", "the volume group is not there"},
		{"all disks missing", strings.ReplaceAll(pvs, "/dev/sdb", "[unknown]"), "", "the volume group is not there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			run := execxtest.New(t).On("lvm pvs", execxtest.Answer{Stdout: test.pvs})
			g := lvmcmd.New(run, lvmcmd.Options{Name: "cinder-volumes"})
			g.Expect(test.expect)
			err := g.Locate(t.Context())
			if test.fails == "" {
				require.NoError(t, err)
				require.Equal(t, uuid, g.UUID())
				return
			}
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.ErrorContains(t, err, test.fails)
		})
	}
}

func TestCommands(t *testing.T) {
	tags := []string{lvmcmd.Tag("clinker.volume", "00-11"), lvmcmd.Tag("a", "b c")}
	lv := lvmcmd.LV{Name: "volume-1", UUID: "abc"}
	for _, test := range []struct {
		name string
		do   func(ctx context.Context, g *lvmcmd.Group) error
		want string
	}{
		{
			"thick", func(ctx context.Context, g *lvmcmd.Group) error { return g.CreateThick(ctx, "v", 1<<30, 0, tags) },
			"lvcreate" + with + "-y -Wn -Zn -n v -L 1073741824b --addtag clinker.volume=00-11 --addtag a=b&20c cinder-volumes",
		},
		{
			"whole sectors", func(ctx context.Context, g *lvmcmd.Group) error { return g.CreateThick(ctx, "v", 513, 0, nil) },
			"lvcreate" + with + "-y -Wn -Zn -n v -L 1024b cinder-volumes",
		},
		{
			"mirrored", func(ctx context.Context, g *lvmcmd.Group) error { return g.CreateThick(ctx, "v", 1024, 1, nil) },
			"lvcreate" + with + "-y -Wn -Zn -n v -L 1024b --type raid1 -m 1 --nosync cinder-volumes",
		},
		{
			"thin", func(ctx context.Context, g *lvmcmd.Group) error { return g.CreateThin(ctx, "p", "v", 1024, tags[:1]) },
			"lvcreate" + with + "-y -n v -V 1024b -T --addtag clinker.volume=00-11 cinder-volumes/p",
		},
		{
			"pool", func(ctx context.Context, g *lvmcmd.Group) error { return g.CreatePool(ctx, "p", 95, 4<<20) },
			"lvcreate" + with + "-y --type thin-pool -Zy -l 95%FREE --poolmetadatasize 4194304b -n p cinder-volumes",
		},
		{
			"thin snapshot", func(ctx context.Context, g *lvmcmd.Group) error { return g.SnapshotThin(ctx, "v", "s", nil) },
			"lvcreate" + with + "-y -kn -n s --snapshot cinder-volumes/v",
		},
		{
			"thick snapshot", func(ctx context.Context, g *lvmcmd.Group) error { return g.SnapshotThick(ctx, "v", "s", 1024, 0, nil) },
			"lvcreate" + with + "-y -n s -L 1024b --snapshot cinder-volumes/v",
		},
		{
			"thick snapshot in large pieces", func(ctx context.Context, g *lvmcmd.Group) error {
				return g.SnapshotThick(ctx, "v", "s", 1024, 64<<10, nil)
			},
			"lvcreate" + with + "-y -n s -L 1024b --snapshot --chunksize 65536b cinder-volumes/v",
		},
		{
			"extend", func(ctx context.Context, g *lvmcmd.Group) error { return g.Extend(ctx, "v", 2048) },
			"lvextend" + with + "-L 2048b cinder-volumes/v",
		},
		{
			"extend into", func(ctx context.Context, g *lvmcmd.Group) error {
				return g.ExtendInto(ctx, "v", 3, []string{"/dev/sdb:1-3"})
			},
			"lvextend" + with + "-l +3 cinder-volumes/v /dev/sdb:1-3",
		},
		{
			"rename", func(ctx context.Context, g *lvmcmd.Group) error { return g.Rename(ctx, "a", "b") },
			"lvrename" + with + "cinder-volumes a b",
		},
		{
			"retag", func(ctx context.Context, g *lvmcmd.Group) error {
				return g.Retag(ctx, "v", []string{"a=1"}, []string{"b=2"})
			},
			"lvchange" + with + "--deltag b=2 --addtag a=1 cinder-volumes/v",
		},
		{
			"activate", func(ctx context.Context, g *lvmcmd.Group) error { return g.Activate(ctx, "v") },
			"lvchange" + with + "-ay -K cinder-volumes/v",
		},
		{
			"deactivate", func(ctx context.Context, g *lvmcmd.Group) error { return g.Deactivate(ctx, "v") },
			"lvchange" + with + "-an cinder-volumes/v",
		},
		{
			"merge", func(ctx context.Context, g *lvmcmd.Group) error { return g.Merge(ctx, "s") },
			"lvconvert" + with + "-y --merge cinder-volumes/s",
		},
		{
			"split", func(ctx context.Context, g *lvmcmd.Group) error { return g.Split(ctx, "s") },
			"lvconvert" + with + "-y --splitsnapshot cinder-volumes/s",
		},
		{
			"remove", func(ctx context.Context, g *lvmcmd.Group) error { return g.Remove(ctx, lv) },
			"lvremove" + with + "-y -S 'lv_uuid=abc && lv_role!=thickorigin' cinder-volumes",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, run := located(t)
			run.On("lvm", execxtest.Answer{Stdout: "  Logical volume \"volume-1\" successfully removed.\n"})
			require.NoError(t, test.do(t.Context(), g))
			require.Equal(t, []string{"lvm " + test.want}, run.Lines())
			call := run.Calls()[0]
			require.True(t, call.Gentle, "LVM killed in the middle leaves devices suspended")
			for _, arg := range call.Args {
				require.NotContains(t, []string{"-f", "-ff", "--force"}, arg)
			}
		})
	}
}

// What lvremove's selection leaves out is no error to LVM.
func TestRemoveLooksTwice(t *testing.T) {
	g, run := located(t)
	run.On("lvm lvremove").On("lvm fullreport", execxtest.Answer{Stdout: fixture(t, "report-2.03.16.json")})
	err := g.Remove(t.Context(), lvmcmd.LV{UUID: "caVk16-dDG4-jgzr-idAU-TCQG-0Xkl-Q3MU66"})
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.NoError(t, g.Remove(t.Context(), lvmcmd.LV{UUID: "gone"}))
}

func TestExtendTwice(t *testing.T) {
	for _, said := range []string{
		"  New size (50 extents) matches existing size (50 extents).\n", "  New size given (25 extents) not larger than existing size (50 extents)\n",
	} {
		g, run := located(t)
		run.On("lvm lvextend", execxtest.Answer{Exit: 5, Stderr: said})
		require.NoError(t, g.Extend(t.Context(), "v", 1<<20))
	}
}

// Texts of LVM 2.03.16.
func TestClasses(t *testing.T) {
	for said, want := range map[string]error{
		`Volume group "cinder-volumes" has insufficient free space (863 extents): 16384 required.`:                     drivers.ErrNoSpace,
		`Insufficient free space: 100000 extents needed, but only 622 available`:                                       drivers.ErrNoSpace,
		`Insufficient suitable allocatable extents for logical volume v: 12 more required`:                             drivers.ErrNoSpace,
		`VG cinder-volumes 1044480 metadata on /dev/sdb (521 bytes) too large for circular buffer (1043968 bytes)`:     drivers.ErrNoSpace,
		`Cannot create new thin volume, free space in thin pool vg/p reached threshold.`:                               drivers.ErrNoSpace,
		`Logical volume cinder-volumes/volume-1 in use.`:                                                               drivers.ErrBusy,
		`Logical volume cinder-volumes/volume-1 contains a filesystem in use.`:                                         drivers.ErrBusy,
		`Logical volume cinder-volumes/volume-1 is used by another device.`:                                            drivers.ErrBusy,
		`Snapshot origin volumes can be resized only while inactive: try lvchange -an.`:                                drivers.ErrBusy,
		`Logical Volume "volume-1" already exists in volume group "cinder-volumes"`:                                    drivers.ErrExists,
		`Failed to find logical volume "cinder-volumes/volume-9"`:                                                      drivers.ErrNotFound,
		`Existing logical volume "volume-77" not found in volume group "cinder-volumes"`:                               drivers.ErrNotFound,
		`Snapshot origin LV nolv not found in Volume group cinder-volumes.`:                                            drivers.ErrNotFound,
		"Volume group \"novg\" not found\n  Cannot process volume group novg":                                          drivers.ErrUnavailable,
		"Multiple VGs found with the same name: skipping cinder-volumes\n  Use --select vg_uuid=<uuid> in place of it": drivers.ErrUnavailable,
		`device-mapper: reload ioctl on (254:3) failed: Input/output error`:                                            drivers.ErrUnavailable,
		`/dev/mapper/control: open failed: Permission denied`:                                                          drivers.ErrUnavailable,
		`Invalid argument for --addtag: a b`:                                                                           drivers.ErrInvalid,
	} {
		t.Run(said, func(t *testing.T) {
			g, run := located(t)
			run.On("lvm", execxtest.Answer{Exit: 5, Stderr: "  " + said + "\n"})
			err := g.Rename(t.Context(), "a", "b")
			require.ErrorIs(t, err, want)
			var e *lvmcmd.Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Hint, strings.Split(said, "\n")[0], "operators see what LVM said")
			require.NotContains(t, err.Error(), "/dev/", "users see no devices")
			want := 1
			if errors.Is(err, drivers.ErrBusy) {
				want = 3
			}
			require.Len(t, run.Lines(), want, "in use is tried again")
		})
	}
}

func TestCancelled(t *testing.T) {
	g, _ := located(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.Report(ctx, lvmcmd.Select{})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, g.Activate(ctx, "v"), context.Canceled)
}

func TestConfFile(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/lvm.conf"
	for _, there := range []bool{false, true} {
		if there {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		}
		run := execxtest.New(t).On("lvm pvs", execxtest.Answer{Stdout: pvs})
		require.NoError(t, lvmcmd.New(run, lvmcmd.Options{Name: "cinder-volumes", ConfFile: path}).Locate(t.Context()))
		require.Equal(t, there, strings.Contains(strings.Join(run.Calls()[0].Env, " "), "LVM_SYSTEM_DIR="+dir))
	}
}
