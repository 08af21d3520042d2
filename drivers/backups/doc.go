// Package backups writes volumes to a backup store and brings them back: the engine behind backup, restore and verify.
//
// A Store keeps objects by name; the folders below hold one each for a folder, NFS, Swift and S3, and storetest holds
// them to the contract. What is written is specified in docs/backup-format.md, so that others can write a reader: a volume
// is cut into blocks, each named by its hash; equal blocks are stored once; blocks go into packs; tables say which block
// of the volume lies where; and a manifest, put last, makes the backup visible. A store alone is enough to list, verify
// and restore.
//
// Create, Restore, Verify and Delete are safe to run again after any crash: they go on from the last checkpoint, or
// begin anew where there is none. Memory is bounded whatever the size of the volume.
package backups
