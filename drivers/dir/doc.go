// Package dir is the embedded default backend: volumes are raw files in a folder of a local file system, sparse or
// preallocated, cloned by reflink where the file system can. docs/backends/dir.md is its manual.
//
// How it keeps its promises: a volume is written under a hidden name beside its place, synced, and renamed without
// replacing, so that a file under a volume's name is always whole. Each step opens the folder anew, looks for the marker
// that says whose folder it is, and takes the volume's lock in that folder. No file is held open between steps, so
// that the file system can be unmounted or remounted at any time.
package dir
