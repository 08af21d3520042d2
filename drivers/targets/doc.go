// Package targets is the contract between Clinker and whatever offers a volume to other hosts: the Target interface, the
// configuration of targets and the registry by helper name. The helpers live in the folders below; targettest holds each of
// them to the promises written here.
//
// A target works on the node that has the volume. What should be exported is kept in small files on that node, so that it
// is exported again after a reboot without anybody being asked.
package targets
