// Package nfs is the backend on NFS exports: drivers/sharefs with what is NFS's own. docs/backends/nfs.md is its manual.
package nfs
