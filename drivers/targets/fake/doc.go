// Package fake is an iSCSI target in memory, for tests of whatever stands above a target. It keeps the contract (targettest holds
// it to it): records are real files, disks are the real files at Export.Path, and hosts log in by Login. A plan of faults
// refuses or hangs the next steps, and Forget is a reboot of the node.
package fake
