// Package glusterfs is the backend on GlusterFS volumes, mounted by FUSE: drivers/sharefs with what is GlusterFS's own.
// docs/backends/glusterfs.md is its manual.
package glusterfs
