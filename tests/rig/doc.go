// Package rig gives tests real storage on a bare machine: nodes with a kernel of their own that have device-mapper, LVM,
// LIO, open-iscsi and an NFS client; a replicated GlusterFS; an iSCSI target and an NFS server in user space.
// docs/testing.md says how to look around in one by hand.
//
// StorageNode boots user-mode Linux in seconds. Its root is this machine's own, read-only, below a tmpfs, so that it has
// the programs that are installed here; its folder /host is Node.Share; its disks are files. It stands on a bridge
// in 198.18.0.0/15, reaches processes of the test at Node.Gateway and nothing else. TestInNode runs tests of the calling
// package inside it.
//
// Gluster, Tgt and NFS run on this machine itself.
//
// Everything of one test process stands under one number: its folder /var/tmp/clinker-rig/N, its bridge, its addresses.
// A lock keeps the number as long as the process lives, so that several may run at once. What a test makes goes at its
// end; what a killed process leaves is taken away by a reaper that it started first; and whoever gets a number takes
// away what he finds under it. Only the empty lock files stay.
//
// The rig needs root and the packages that tests/install.sh installs. A machine that can't run it fails the test and says
// what is missing, unless CLINKER_SKIP_RIG is set.
package rig
