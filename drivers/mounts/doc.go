// Package mounts mounts shares of other machines, GlusterFS and NFS, for whoever keeps or opens files there: it tells a live mount
// from a dead one, never waits for ever for a server that is away, and mounts anew what is gone for good.
package mounts
