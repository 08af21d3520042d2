package config

import "time"

// Backend is one section of enabled_backends.
type Backend struct {
	Name                string // the section, as enabled_backends writes it; the part after @ in host@backend
	Driver              string // lvm, glusterfs, nfs, dir or fake
	BackendName         string // volume_backend_name, what types ask for
	Host                string // the part before @
	AvailabilityZone    string
	StatsInterval       time.Duration
	ReservedPercentage  int // 0 to 100
	MaxOverSubscription OverSubscription
	ProvType            string // thin or thick
	VolumeClear         VolumeClear
	FilterFunction      string
	GoodnessFunction    string
	Options             Options // every option that the driver looks at
}

// VolumeClear is how a deleted thick volume is wiped.
type VolumeClear struct {
	Method  string // zero or none
	SizeMiB int    // from the start; 0 is all
	Ionice  string
}

// Service is the back end's service host: host@backend.
func (b Backend) Service() string { return b.Host + "@" + b.Name }

func (r *reader) backend(name string, c *Config) Backend {
	r = r.in(backendSection, name)
	b := Backend{
		Name:                name,
		Driver:              driverName(r.text("volume_driver")),
		BackendName:         orElse(r.text("volume_backend_name"), name),
		Host:                orElse(r.text("backend_host"), c.Host),
		AvailabilityZone:    orElse(r.text("backend_availability_zone"), c.Volumes.AvailabilityZone),
		StatsInterval:       r.duration("backend_stats_polling_interval"),
		ReservedPercentage:  r.number("reserved_percentage"),
		MaxOverSubscription: r.ratio("max_over_subscription_ratio"),
		ProvType:            r.text("nas_volume_prov_type"),
		VolumeClear: VolumeClear{
			Method:  r.text("volume_clear"),
			SizeMiB: r.number("volume_clear_size"),
			Ionice:  r.text("volume_clear_ionice"),
		},
		FilterFunction:   r.text("filter_function"),
		GoodnessFunction: r.text("goodness_function"),
	}
	b.Options = r.options(func(o *Option) bool { return o.appliesTo(b.Driver) })
	return b
}
