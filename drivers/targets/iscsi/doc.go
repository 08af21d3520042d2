// Package iscsi is what iSCSI targets have in common, whatever offers the disk: names, credentials, the record of what should
// be exported, locks, and the order of steps. A Machine (the kernel's LIO, tgtd, a fake) does the rest; New puts a Target over it.
//
// # Records
//
// What should be exported is one JSON file an export in Config.StateDir. It holds the CHAP secret, so its mode is 0600 and the
// folder's 0700. It is written, synced and renamed before the machine is touched, and removed after the machine has let
// go: at any moment at least the record knows of what is there. Whoever backs up or copies the folder copies secrets.
package iscsi
