package dir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/models"
)

// Name is the driver's name in the registry.
const Name = "dir"

const version = "1.0.0"

// Driver serves one folder. It is safe for concurrent use.
type Driver struct {
	cfg   drivers.Config
	path  string // absolute
	thick bool   // preallocate unless a volume says otherwise
	log   *slog.Logger

	mu     sync.Mutex
	marker []byte // the folder's marker as this process first saw it; nil until then
}

var (
	_ drivers.Driver   = (*Driver)(nil)
	_ drivers.Cloner   = (*Driver)(nil)
	_ drivers.Reverter = (*Driver)(nil)
	_ drivers.Adopter  = (*Driver)(nil)
	_ drivers.Factory  = New

	_ drivers.AdoptLister     = (*Driver)(nil)
	_ drivers.SnapshotAdopter = (*Driver)(nil)
	_ drivers.Holder          = (*Driver)(nil)
	_ drivers.SnapshotOpener  = (*Driver)(nil)
)

// New makes a driver of the options dir_path (default <state dir>/volumes/<section>) and nas_volume_prov_type. It does no
// I/O: the folder may be away.
func New(_ context.Context, cfg drivers.Config) (drivers.Driver, error) {
	path := cfg.Options["dir_path"]
	if path == "" && cfg.StateDir != "" {
		path = filepath.Join(cfg.StateDir, "volumes", cfg.Backend)
	}
	if path == "" {
		return nil, fmt.Errorf("%w: dir_path is not set and there is no state folder to put volumes in", drivers.ErrInvalid)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%w: dir_path: %w", drivers.ErrInvalid, err)
	}
	d := &Driver{cfg: cfg, path: path, log: cfg.Log().With("backend", cfg.Backend, "driver", Name)}
	switch p := cmp.Or(cfg.Provisioning, cfg.Options["nas_volume_prov_type"], "thin"); p {
	case "thin":
	case "thick":
		d.thick = true
	default:
		return nil, fmt.Errorf("%w: nas_volume_prov_type = %s; allowed are thin and thick", drivers.ErrInvalid, p)
	}
	return d, nil
}

// Capabilities says what files in a folder can do. A volume in use is not extended: the hypervisor that has the file open
// must do that (data-safety rule 6).
func (d *Driver) Capabilities() drivers.Capabilities {
	return drivers.Capabilities{
		Driver:  Name,
		Version: version,
		Vendor:  "Open Source",
		// The file can be opened on its own node only, which is what os-brick calls local; a target changes that when it exports it.
		Protocol: "local",
		Thin:     !d.thick,
		Thick:    true,
		Clone:    true,
		Snapshot: true, OpenSnapshot: true,
		Revert: true,
		Adopt:  true,
		// A raw file just gets longer; whoever has it open sees that when it is told.
		OnlineExtend: true,
	}
}

// Close does nothing: nothing is held between calls.
func (d *Driver) Close() error { return nil }

// fail makes the package's errors; see drivers.FileError.
func (d *Driver) fail(op, resource string, err error) error {
	if errors.Is(err, files.ErrNoFile) {
		hint := fmt.Sprintf("%s/%s is no plain file: find out who put it there, move it away, then `clinker flow retry <flow>`", d.path, resource)
		return &drivers.Error{Op: op, Driver: Name, Resource: resource, Err: err, Hint: hint}
	}
	return drivers.FileError(op, Name, resource, d.path, err)
}

// failHint is fail for errors that this package found out by itself.
func (d *Driver) failHint(op, resource, hint string, sentinel error, format string, args ...any) error {
	err := fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))
	return &drivers.Error{Op: op, Driver: Name, Resource: resource, Err: err, Hint: hint}
}

// thickFor tells whether v is to be preallocated.
func (d *Driver) thickFor(v models.StorageVolume) bool {
	return v.Provisioning == "thick" || v.Provisioning == "" && d.thick
}
