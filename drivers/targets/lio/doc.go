// Package lio exports volumes by the kernel's own iSCSI target, LIO, through its configfs folders. It runs no program: an export
// is some twenty small writes.
//
// The layout, below /sys/kernel/config/target (Documentation/target/ and drivers/target/target_core_configfs.c of the kernel):
//
//	core/iblock_7777/NAME      a disk on a device; fileio_7777 for one on a file
//	iscsi/IQN/tpgt_1/lun/lun_0/NAME -> the disk
//	iscsi/IQN/tpgt_1/np/ADDRESS:PORT
//	iscsi/IQN/tpgt_1/acls/INITIATOR/auth, lun_0/NAME -> the LUN
package lio
