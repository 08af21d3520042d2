package config

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"time"
)

// Config is the whole configuration, checked and typed. Where a field's meaning
// is an option's, docs/configuration.md tells it.
type Config struct {
	File      string // where it was read from; empty for the embedded defaults
	Host      string // this node's name in host@backend#pool
	MyIP      string // this node's address
	StatePath string // folder for what Clinker keeps on this machine

	Log       Log
	API       API
	Keystone  Keystone
	Nova      Nova
	Identity  Identity
	Database  Database
	Temporal  Temporal
	Service   Service
	Scheduler Scheduler
	Quota     Quota
	Flows     Flows
	Volumes   Volumes
	Backup    Backup
	Backends  []Backend // in the order of enabled_backends
}

// Log says what is logged and where.
type Log struct {
	Debug bool
	Dir   string // empty: standard error
	File  string
	JSON  bool
}

// API is the REST service.
type API struct {
	Listen             string
	Port               int
	MaxLimit           int   // most items on one page
	MaxRequestBodySize int64 // bytes
	PublicEndpoint     string
	ProjectID          *regexp.Regexp // a project id in a path, the whole of it
	AuthStrategy       string         // embedded, keystone, noauth or noauth_include_project_id
	IdempotencyKeyAge  time.Duration
	MessageTTL         time.Duration
	PolicyFile         string   // relative to the folder of File
	PolicyDirs         []string // the same
	// UseTLS says that the API takes TLS only; the files are in PEM.
	UseTLS                    bool
	CertFile, KeyFile, CAFile string
	// ProjectRate and AddressRate are requests a second; 0 is no limit.
	ProjectRate, AddressRate int
	TrustedProxies           []netip.Prefix
}

// Addr is the address to listen on, as net.Listen takes it.
func (a API) Addr() string { return net.JoinHostPort(a.Listen, strconv.Itoa(a.Port)) }

// Keystone is how tokens are checked, from [keystone_authtoken].
type Keystone struct {
	AuthURL                   string
	WWWAuthenticateURI        string // where clients log in
	Username                  string
	Password                  Secret
	ProjectName               string
	UserDomainName            string
	UserDomainID              string
	ProjectDomainName         string
	ProjectDomainID           string
	Region, Interface         string // both "" ask at AuthURL
	CAFile                    string
	Insecure                  bool
	ConnectTimeout            time.Duration
	TokenCacheTime            time.Duration
	ServiceTokenRoles         []string
	ServiceTokenRolesRequired bool
}

// Nova is the compute service that is told of volumes that have grown, from [nova]; without an AuthURL it is not.
type Nova struct {
	AuthURL                            string
	Username                           string
	Password                           Secret
	ProjectName                        string
	UserDomainName, UserDomainID       string
	ProjectDomainName, ProjectDomainID string
	Region, Interface                  string
	CAFile                             string
	Insecure                           bool
	Timeout                            time.Duration
}

// Identity is the embedded identity service (auth_strategy = embedded).
type Identity struct {
	TokenTTL time.Duration
	Attempts int           // logins that may go wrong in a row
	Lockout  time.Duration // how long the next is refused then
	KeyFile  string        // "" is identity.key in the state folder, if it is there
}

// Temporal is the engine's frontend.
type Temporal struct {
	Address    string // host:port
	Namespace  string
	TLSCA      string // set: the connection uses TLS
	TLSCert    string
	TLSKey     string
	ServerName string
	APIKeyFile string
	// Authorize is auto, yes or no: whether the embedded server tells callers apart.
	Authorize string
	// ServerCert, ServerKey and ServerClientCA are those of the embedded server.
	ServerCert, ServerKey, ServerClientCA string
	// PayloadKeys is the file of keys that encrypt what flows carry; "" leaves it readable.
	PayloadKeys string
}

// TLS says whether the connection is to use TLS.
func (t Temporal) TLS() bool { return t.TLSCA != "" || t.TLSCert != "" || t.ServerName != "" }

// Service is how workers show that they live.
type Service struct {
	ReportInterval time.Duration
	DownTime       time.Duration
	StatsInterval  time.Duration // each back end may have its own
}

// Scheduler is how a back end is chosen.
type Scheduler struct {
	Filters     []string // Cinder's names, in order
	Weighers    []string // Cinder's names
	MaxAttempts int
	Multipliers map[string]float64 // by weigher's name
	Handler     string             // OrderedHostWeightHandler or StochasticHostWeightHandler
}

// Quota holds the limits of a project that has none of its own; -1 is no limit.
type Quota struct {
	Volumes            int
	Snapshots          int
	Gigabytes          int // GiB
	Backups            int
	BackupGigabytes    int // GiB
	Groups             int
	PerVolumeGigabytes int // GiB
	NoSnapshotGB       bool
	UseDefaultClass    bool
}

// Flows is how long flows are remembered and held.
type Flows struct {
	Retention   time.Duration // of Temporal's histories
	RecordAge   time.Duration // of flow records
	Hold        time.Duration // how long a held flow waits for an operator
	BackendWait time.Duration // how long a placement waits for a backend that is down before the flow is held
}

// Volumes holds what every volume has in common.
type Volumes struct {
	DefaultType             string
	AvailabilityZone        string // of this node
	DefaultAvailabilityZone string // when a request names none
	ZoneFallback            bool   // the default when the zone asked for isn't there
	VolumeName              string // template with one %s
	SnapshotName            string
	BackupName              string
}

// Backup is the backup service and its store.
type Backup struct {
	Driver        string  // posix, nfs, swift or s3
	Compression   string  // zlib, bz2, zstd or none
	Hash          string  // blake3, sha256 or auto
	KeyFile       string  // "" does not encrypt
	MaxOperations int     // 0: no limit
	Memory        int64   // of each, bytes
	Limit         int     // of backups and verifications together, bytes a second; 0: no limit
	RestoreLimit  int     // of restores together
	Options       Options // all backup_ options
}
