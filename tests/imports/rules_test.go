package imports

// Packages are named from the module's root ("models/store"); "/..." at the end takes in what is below.
// Those of others have their full path.

// A layer says what packages may reach, however many imports lie between.
type layer struct {
	of string
	// ours are the packages of this module that it may reach; nil leaves that open.
	ours []string
	// never are packages of others, or of ours, that it must not reach.
	never []string
	why   string
}

var none = []string{}

const (
	gin          = "github.com/gin-gonic/gin"
	gorm         = "gorm.io/..."
	gormlite     = "github.com/ncruces/go-sqlite3/..."
	sqlite       = "modernc.org/sqlite"
	sdk          = "go.temporal.io/sdk/..."
	temporal     = "go.temporal.io/server/..."
	webUI        = "github.com/temporalio/ui-server/..."
	postgres     = "github.com/jackc/pgx/..."
	anyDriver    = "drivers/*"
	anyStore     = "drivers/backups/*"
	lvmcmd       = "drivers/lvm/lvmcmd"
	anyTarget    = "drivers/targets/*"
	anyConnector = "drivers/connectors/*"

	anyHypervisor = "drivers/hypervisors/*"

	memStore = "drivers/backups/mem" // a backup store for tests
)

var layers = []layer{
	{
		of: "models", ours: none, never: []string{gorm, gin, sdk},
		why: "everybody shares the model, so it brings nothing along",
	},
	{
		of: "models/store", ours: []string{"models", "models/migrations"}, never: []string{gin, sdk},
		why: "the catalogue knows rows, not flows or requests",
	},
	{
		of: "internal/flow", ours: []string{"models"}, never: []string{gorm, gin, sdk},
		why: "the vocabulary of flows is plain values",
	},
	{
		of: "internal/flow/wire", ours: []string{"internal/flow", "models"}, never: []string{gorm, gin},
		why: "how errors cross Temporal is known to both its sides",
	},
	{
		of: "internal/scheduler", ours: []string{"models"}, never: []string{gorm, gin, sdk},
		why: "placement is a pure function",
	},
	{
		of: "internal/schedule", ours: []string{"models"}, never: []string{gorm, gin, sdk},
		why: "what is due and what is kept are pure functions",
	},
	{
		of: "internal/config", ours: []string{"models", "internal/suggest"}, never: []string{gorm, gin, sdk},
		why: "reading a file needs nobody",
	},
	{
		of: "internal/nodeauth", ours: []string{"internal/durable", "internal/flow", "models"}, never: []string{gorm, gin, sdk, temporal},
		why: "the rules of who may ask Temporal what are tested without one",
	},
	{
		of: "internal/tlsfile", ours: none, never: []string{gorm, gin, sdk},
		why: "whoever serves links this",
	},
	{
		of: "internal/durable", ours: none, never: []string{gorm, gin, sdk},
		why: "whoever keeps a file links this",
	},
	{
		of: "internal/seal", ours: []string{"internal/durable"}, never: []string{gorm, gin, sdk},
		why: "whoever keeps a secret links this",
	},
	{
		of: "internal/identity", ours: []string{"models"}, never: []string{gorm, gin, sdk},
		why: "who is who needs rows, not requests",
	},
	{
		of: "internal/policy", ours: []string{"internal/suggest"}, never: []string{gorm, gin, sdk},
		why: "who may do what is decided by names and values alone",
	},
	{
		of:    "api/...",
		never: []string{"workflows", "activities", "workers", "drivers/...", "internal/engine", "internal/devserver", "models/store", gorm, sdk},
		why:   "the API starts flows through an interface; it is not the place where work is done",
	},
	{
		of: "workflows", ours: []string{"internal/flow", "internal/flow/wire", "models"}, never: []string{gorm, gin, sqlite, postgres},
		why: "workflow code is replayed: whatever has side effects must be out of its reach",
	},
	{
		of:    "activities",
		ours:  []string{"drivers", "drivers/backups", "drivers/backups/cinder", "drivers/devices", "drivers/qcow", "drivers/connectors", "drivers/hypervisors", "drivers/targets", "internal/flow", "internal/durable", "internal/flow/wire", "internal/schedule", "internal/scheduler", "internal/seal", "models"},
		never: []string{gorm, gin, sqlite, postgres},
		why:   "steps run over contracts; stores and drivers are handed to them",
	},
	{
		of: "drivers", ours: []string{"models"}, never: []string{gorm, gin, sdk},
		why: "a contract that knows Temporal or the catalogue can't be met without them",
	},
	{
		of: anyDriver, ours: []string{"drivers", "models", "internal/durable", "internal/execx", lvmcmd, anyDriver, memStore}, never: []string{gorm, gin, sdk},
		why: "storage nodes have neither the catalogue nor a say in flows",
	},
	{
		of: lvmcmd, ours: []string{"drivers", "models", "internal/execx"}, never: []string{gorm, gin, sdk},
		why: "it knows LVM's programs and nothing of backends",
	},
	{
		of: "drivers/targets", ours: []string{"drivers", "models"}, never: []string{gorm, gin, sdk},
		why: "the contract of targets brings none of them along",
	},
	{
		of: anyTarget, ours: []string{"drivers", "drivers/targets", "models", "internal/durable", "internal/execx", anyTarget}, never: []string{gorm, gin, sdk},
		why: "a target exports a device or file, whichever driver made it",
	},
	{
		of: "drivers/connectors", ours: []string{"drivers", "models"}, never: []string{gorm, gin, sdk},
		why: "the contract of connectors brings none of them along",
	},
	{
		of: anyConnector, ours: []string{"drivers", "drivers/connectors", "drivers/files", "drivers/mounts", "models", "internal/execx", anyConnector}, never: []string{gorm, gin, sdk},
		why: "a compute host needs neither backends nor targets to take a volume in",
	},
	{
		of: "drivers/hypervisors", ours: []string{"drivers", "models"}, never: []string{gorm, gin, sdk},
		why: "the contract of hypervisors brings none of them along",
	},
	{
		of: anyHypervisor, ours: []string{"drivers", "drivers/hypervisors", "models", "internal/execx", anyHypervisor}, never: []string{gorm, gin, sdk},
		why: "a hypervisor gets a device or a connection, whoever took it in",
	},
	{
		of: "internal/execx/...", ours: []string{"internal/execx"}, never: []string{gorm, gin, sdk},
		why: "running a program needs nobody",
	},
	{
		of: "internal/engine", ours: []string{"internal/flow", "internal/flow/wire", "internal/namespace", "models"}, never: []string{gorm, gin, temporal},
		why: "the engine is a client of Temporal",
	},
	{
		of: "internal/namespace", ours: none, never: []string{gorm, gin, temporal},
		why: "both kinds of Temporal are prepared by it",
	},
	{
		of: "internal/devserver", ours: []string{"internal/durable", "internal/namespace", "internal/nodeauth", "internal/flow", "models"}, never: []string{gin},
		why: "it runs a Temporal for anybody",
	},
	{
		of: "workers", never: []string{"api/...", "cmd/...", "internal/devserver", gin},
		why: "workers are wired by cmd, and serve no requests",
	},
	{
		of: "cmd/clinker", ours: []string{"internal/cli", "internal/durable", "models", "drivers", "drivers/backups", "drivers/devices", anyStore}, never: []string{temporal, webUI, sdk, gorm, gormlite, sqlite, gin},
		why: "the client is small and quick to build; it restores backups when nothing but their store is left",
	},
}

// An owner says who alone may import something directly.
type owner struct {
	of    string
	but   []string // what "of" means too, and anybody may import
	users []string
	why   string
}

var owners = []owner{
	{of: "os/exec", users: []string{"internal/execx"}, why: "programs are run in one place, with a context, a masked log and no shell"},
	{of: temporal, users: []string{"internal/devserver"}, why: "it takes minutes to compile"},
	{of: webUI, users: []string{"internal/devserver"}, why: "it goes with the server"},
	{of: "internal/devserver", users: []string{"cmd/clinkerd"}, why: "one binary holds the Temporal server"},
	{of: "internal/engine", users: []string{"cmd/...", "workers"}, why: "others declare the interface that they need"},
	{of: "models/store", users: []string{"cmd/...", "workers"}, why: "others declare the interface that they need"},
	{of: lvmcmd, users: []string{"drivers/lvm"}, why: "LVM's flags and texts are known in one place"},
	{of: anyDriver, but: []string{"drivers/targets", "drivers/connectors", "drivers/drivertest", "drivers/backups", "drivers/devices", "drivers/qcow", "drivers/files", "drivers/mounts", "drivers/hypervisors"}, users: []string{"cmd/...", "workers", anyDriver}, why: "a driver is chosen where the parts are wired"},
	{of: anyStore, but: []string{"drivers/backups/storetest", "drivers/backups/cinder", memStore}, users: []string{"cmd/...", "workers", anyStore}, why: "a backup store is chosen where the parts are wired"},
	{of: anyTarget, users: []string{"cmd/...", "workers", anyTarget}, why: "a target is chosen where the parts are wired"},
	{of: anyConnector, users: []string{"cmd/...", "workers", anyConnector}, why: "a connector is chosen where the parts are wired"},
	{of: anyHypervisor, users: []string{"cmd/...", "workers", anyHypervisor}, why: "a hypervisor is chosen where the parts are wired"},
	{of: "workers", users: []string{"cmd/..."}, why: "only binaries run workers"},
	{of: gorm, users: []string{"models/store"}, why: "SQL stays in one package"},
	{of: gin, users: []string{"api/..."}, why: "HTTP stays in one place"},
}
