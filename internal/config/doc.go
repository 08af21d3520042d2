// Package config reads Clinker's configuration: the oslo-style INI that
// Cinder's users already have, with Cinder's option names and their old
// aliases, overridden by environment variables.
//
// Every option is one row of a table (options_*.go). From that table come the
// checks of [Load], the report of `clinkerd config check` and the reference in
// docs/configuration.md, so the three can't tell different stories.
//
// The INI reader is our own (ini.go). The general INI libraries differ from
// oslo.config where it hurts: they cut values at " #", interpolate "%", give
// [lvm.2] the keys of [lvm], and none tells the line a value stood on, which
// every message here needs. Its behaviour is held to oslo.config's own parser
// by recorded fixtures.
package config
