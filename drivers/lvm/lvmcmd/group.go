package lvmcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Group is a volume group, known by its uuid once it was located. It is safe for concurrent use.
type Group struct {
	run  execx.Runner
	name string
	env  []string

	mu      sync.Mutex
	uuid    string
	devices []string // of its physical volumes, as they are called now
	attempt Attempts
}

// Attempts say how a command that met something in use is tried again: udev's and other scanners open devices for a moment.
type Attempts struct {
	Count int // in all; 0 is 3
	Pause time.Duration
}

// Options of a Group.
type Options struct {
	Name string
	// ConfFile is an lvm.conf to use in place of the system's; used when it is there.
	ConfFile string
	Attempts Attempts
}

// New returns the group without looking at it.
func New(run execx.Runner, o Options) *Group {
	g := &Group{run: run, name: o.Name, attempt: o.Attempts, env: []string{"LVM_SUPPRESS_FD_WARNINGS=1"}}
	if g.attempt.Count == 0 {
		g.attempt.Count = 3
	}
	if g.attempt.Pause == 0 {
		g.attempt.Pause = 300 * time.Millisecond
	}
	// LVM takes a folder, not a file (lvm.conf(5), LVM_SYSTEM_DIR).
	if filepath.Base(o.ConfFile) == "lvm.conf" {
		if _, err := os.Stat(o.ConfFile); err == nil {
			g.env = append(g.env, "LVM_SYSTEM_DIR="+filepath.Dir(o.ConfFile))
		}
	}
	return g
}

// Name is the volume group's name.
func (g *Group) Name() string { return g.name }

// Path is where LVM puts the device of an active volume.
func (g *Group) Path(name string) string { return "/dev/" + g.name + "/" + name }

// UUID is the group's uuid, "" before Locate.
func (g *Group) UUID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.uuid
}

// Locate finds the devices of the group: by its uuid where that is known, else by its name, which exactly one group must
// bear. Device names change at a boot, so it is called again whenever the group isn't found where it was.
func (g *Group) Locate(ctx context.Context) error {
	out, err := g.query(ctx, "lvm", "pvs", "--reportformat", "json", "-o", "pv_name,vg_uuid,vg_name")
	if err != nil {
		return err
	}
	pvs, err := rows(out, "pv")
	if err != nil {
		return &Error{Command: "pvs", Err: fmt.Errorf("%w: unreadable report", drivers.ErrUnavailable), Hint: err.Error()}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	uuid, devices := g.uuid, []string(nil)
	for _, pv := range pvs {
		if g.uuid == "" && pv["vg_name"] != g.name || g.uuid != "" && pv["vg_uuid"] != g.uuid {
			continue
		}
		if uuid != "" && uuid != pv["vg_uuid"] {
			return g.unavailable("several volume groups have this name", "give one of them another name by its uuid (`vgs -o vg_name,vg_uuid`, vgrename), or hide the disk that does not belong here by a filter in lvm.conf")
		}
		uuid = pv["vg_uuid"]
		if strings.HasPrefix(pv["pv_name"], "/") { // a missing one is called "[unknown]"
			devices = append(devices, pv["pv_name"])
		}
	}
	if len(devices) == 0 {
		return g.unavailable("the volume group is not there", fmt.Sprintf("volume group %s%s: look at `vgs` and `pvs`, connect its disks, or mend volume_group", g.name, g.byUUID()))
	}
	slices.Sort(devices)
	g.uuid, g.devices = uuid, slices.Compact(devices)
	return nil
}

func (g *Group) byUUID() string {
	if g.uuid == "" {
		return ""
	}
	return " with uuid " + g.uuid
}

func (g *Group) unavailable(what, hint string) error {
	return &Error{Command: "pvs", Err: fmt.Errorf("%w: %s", drivers.ErrUnavailable, what), Hint: hint}
}

const (
	vgFields  = "vg_uuid,vg_name,vg_size,vg_free,vg_extent_size,vg_mda_size,vg_mda_free,lv_count,vg_tags,vg_missing_pv_count"
	lvFields  = "lv_uuid,lv_name,lv_size,lv_layout,lv_role,lv_tags,lv_path,pool_lv,origin,data_percent,metadata_percent,lv_metadata_size,lv_health_status,lv_when_full,lv_active,lv_device_open,lv_suspended,lv_check_needed,lv_merging,lv_snapshot_invalid,lv_kernel_major,lv_kernel_minor"
	segFields = "lv_name,thin_id,zero,chunk_size"
)

// Select narrows a report to what bears one of the ids in its name or as the value of the tag Key; pools are always shown.
// The zero value is everything.
type Select struct {
	IDs []string
	Key string
}

func (s Select) String() string {
	if len(s.IDs) == 0 {
		return "all"
	}
	terms := []string{`lv_layout={"pool"}`}
	for _, id := range s.IDs {
		terms = append(terms, fmt.Sprintf(`lv_name=~"%s"`, id), fmt.Sprintf(`lv_tags={"%s"}`, Tag(s.Key, id)))
	}
	return strings.Join(terms, " || ")
}

// segments selects the thin ones among the segments.
func (s Select) segments() string {
	const thin = `segtype=~"^thin"`
	if len(s.IDs) == 0 {
		return thin // "all" stands alone only
	}
	return "(" + s.String() + ") && " + thin
}

// Report reads the group. Without an error it is certain: the group itself was seen, by its uuid, and what is not in the
// report is not there.
func (g *Group) Report(ctx context.Context, s Select) (Report, error) {
	rep, err := g.report(ctx, s)
	for more := 2; more > 0 && errors.Is(err, errUnreadable); more-- {
		rep, err = g.report(ctx, s)
	}
	if errors.Is(err, errNotSeen) {
		// The devices may have got other names since.
		if err := g.Locate(ctx); err != nil {
			return Report{}, err
		}
		rep, err = g.report(ctx, s)
	}
	return rep, err
}

var (
	errNotSeen = errors.New("the volume group is not on its devices")
	// errUnreadable is of a report that is no JSON: seen, rarely, of a group that several commands change. Reading does no harm, so it is read again.
	errUnreadable = errors.New("unreadable report")
)

func (g *Group) report(ctx context.Context, s Select) (Report, error) {
	uuid := g.UUID()
	if uuid == "" {
		return Report{}, errNotSeen
	}
	out, err := g.query(ctx, "lvm", g.with("fullreport", "--reportformat", "json", "--binary", "--units", "b", "--nosuffix",
		"-S", "vg_uuid="+uuid, "--configreport", "vg", "-o", vgFields, "--configreport", "pv", "-o", "pv_name",
		"--configreport", "lv", "-a", "-o", lvFields, "-S", s.String(),
		"--configreport", "seg", "-o", segFields, "-S", s.segments(),
		"--configreport", "pvseg", "-o", "pvseg_start", "-S", "pvseg_size=0")...)
	if err != nil {
		return Report{}, err
	}
	rep, ok, err := parse(out)
	if err != nil {
		return Report{}, &Error{Command: "lvm fullreport", Err: fmt.Errorf("%w: %w", drivers.ErrUnavailable, errUnreadable), Hint: err.Error()}
	}
	if !ok || rep.VG.UUID != uuid {
		return Report{}, &Error{Command: "lvm fullreport", Err: fmt.Errorf("%w: %w", drivers.ErrUnavailable, errNotSeen)}
	}
	return rep, nil
}

// with puts the group's devices after a command's name.
func (g *Group) with(command string, args ...string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := []string{command, "--devices", strings.Join(g.devices, ",")}
	return append(all, args...)
}

// query runs a program that only reads; it may be cut off.
func (g *Group) query(ctx context.Context, name string, args ...string) ([]byte, error) {
	res, err := g.run.Run(ctx, execx.Command{Name: name, Args: args, Env: g.env, Limit: 64 << 20})
	if err != nil {
		return nil, classify(commandName(name, args), err)
	}
	return res.Stdout, nil
}

func commandName(name string, args []string) string {
	if name == "lvm" && len(args) > 0 {
		return args[0]
	}
	return name
}

// Expect names the uuid that the group must have; "" leaves it open.
func (g *Group) Expect(uuid string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if uuid != "" {
		g.uuid = uuid
	}
}
