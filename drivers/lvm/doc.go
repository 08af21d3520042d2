// Package lvm serves an LVM volume group: volumes are logical volumes, thick or in a thin pool. docs/backends/lvm.md is its
// manual.
//
// How it keeps its promises. A volume carries the tags clinker.cloud and clinker.volume; what has neither is never touched.
// A volume in the making or on its way out has the tag clinker.state besides, and is not listed; whoever next works on that
// volume, or the next start, finishes or removes it. Each step holds the volume's lock, reads one report of the group
// after that, and goes by it. LVM itself is known to lvmcmd alone; bytes are copied and blanked in this process.
package lvm
