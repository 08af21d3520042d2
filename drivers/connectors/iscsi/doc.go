// Package iscsi takes volumes in over iSCSI with open-iscsi: iscsiadm makes records and sessions, iscsid keeps sessions alive, and the
// disks are found in /sys. No discovery is made: portal, name, LUN and CHAP all come with the connection.
//
// # Secrets
//
// iscsiadm takes a CHAP password as an argument only, which every user of the machine can read. So the record is made without it
// (iscsiadm -o new), and the credentials are put into the record's file, which has mode 0600, by way of another file that takes its
// place. The record stays as long as the session: an iscsid that is started anew reads the password from it. It is never started
// at boot (node.startup = manual): after one, Connect is what logs in.
//
// # Paths
//
// With multipathd running, every portal is logged in to and the device-mapper's device over all of them is what Connect returns;
// I/O fails over to another path after MultipathRecovery. Without it portals are tried one by one, and one session is made;
// I/O then waits up to SinglePathRecovery for a target that is away, instead of failing, which would make guests' file systems read-only.
//
// # Identity
//
// A target gives each disk the volume's uuid (data-safety rule 13). Connect compares it with the connection's volume_id, and no
// other disk is ever handed on. Device names (sdb) are not identities: they change.
package iscsi
