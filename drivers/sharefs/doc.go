// Package sharefs keeps volumes as files on mounted shares. The backends glusterfs and nfs are this package with a Kind each;
// docs/backends/glusterfs.md and nfs.md are their manuals.
//
// A volume is the file volume-<id>, raw or qcow2, and its record volume-<id>.info: Cinder's info file (which file is
// active, which file came with which snapshot) with keys of our own (docs/adr/0010-volumes-on-shares.md). A snapshot
// makes the present file the backing file of a new qcow2 file volume-<id>.<snapshot id>, as in Cinder.
//
//	volume-1        volume-1.s1        volume-1.s2
//	(data of s1) <- (data of s2)    <- (active)
//
// How it keeps its promises:
//
//   - A step opens the share's root folder, looks by the folder's mount id that it is the share and not the empty folder
//     below it, and then works relative to that folder. A mount that goes away makes the step fail; it never writes beside it.
//   - A file is written under a hidden name, synced and renamed. A step on a chain, which changes several files, is first
//     noted in the record; whoever comes next finishes or undoes it. The record changes in one rename.
//   - Steps hold the volume's lock: a byte range of a file on the share, which the share's server gives to one client at a
//     time. Since a GlusterFS client answers from its memory for a second, a step that finds that another client
//     worked on the volume last waits that second out (fresh.go).
//   - The format of a file comes from its record and is told to every program. What a header says is checked before anything
//     opens the file (chain.go): a guest can write any header into a raw volume.
package sharefs
