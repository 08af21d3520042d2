package rig

// Option changes what StorageNode makes.
type Option func(*options)

type options struct {
	disks      []int64 // bytes
	memory     int     // MiB
	openFilter bool
	boot       []string
}

// GiB is 2^30 bytes.
const GiB = int64(1) << 30

func defaults() options { return options{disks: []int64{8 * GiB}, memory: 640} }

// Disks gives the node data disks of these sizes in bytes, in place of one of 8 GiB. They are sparse files: what is not
// written takes no room. The first is /dev/ubdb.
func Disks(sizes ...int64) Option { return func(o *options) { o.disks = sizes } }

// Memory is how much RAM the node has, in MiB, in place of 640. It lies in /dev/shm as far as the node uses it.
func Memory(mib int) Option { return func(o *options) { o.memory = mib } }

// OpenFilter lets LVM on the node scan each block device it sees, LUNs and loop devices among them, as LVM does out of
// the box. Without it LVM sees the data disks only.
func OpenFilter() Option { return func(o *options) { o.openFilter = true } }

// KernelArgs are put on the kernel's command line.
func KernelArgs(args ...string) Option { return func(o *options) { o.boot = append(o.boot, args...) } }
