// Package execx runs programs. Nothing else in Clinker does.
//
// A program is named with its arguments as a slice; no shell ever sees them. It runs with LC_ALL=C, so that its words can
// be read, in a process group of its own that ends with the context, and with a small environment: what the service
// itself was started with may hold secrets, and stays here. Programs are also looked for where Debian keeps the
// administrator's (/usr/sbin, /sbin).
//
// Secrets go by standard input or by a file of mode 0600, never as an argument: every user of a machine reads the
// arguments of every process. Where a tool knows no other way, Command.Secrets at least keeps them out of logs and errors.
//
// Package execxtest has a Runner that plays answers and writes down what it was asked.
package execx
