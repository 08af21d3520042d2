// Package tgt exports volumes by tgtd, the iSCSI target in user space.
//
// It speaks to tgtd's management socket and runs no tgtadm: tgtadm takes CHAP passwords as arguments, which every user of the node reads,
// and tgt-admin with a file runs tgtadm in its turn. The socket's protocol is the struct that tgtadm sends, unchanged since
// tgt 1.0.30; it is in wire.go, whole. docs/adr/0008-tgt-by-its-socket.md weighs it.
//
// tgtd keeps nothing: Restore is needed after each of its starts.
package tgt
