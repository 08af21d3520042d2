// Package cinder reads backups that Cinder wrote with its chunked drivers (posix, NFS, Swift, S3), so that nobody loses
// their history by moving here. The layout is that of cinder/backup/chunkeddriver.py, metadata version 1.0.0: chunks
// "<prefix>-00001" and so on, "<prefix>_metadata" and "<prefix>_sha256file".
//
// It goes further than Cinder in two places: each chunk's MD5 is compared when it is restored, and zeros of an incremental
// backup are written, so that a block that was data in the full backup and zero in a later one is zero again.
package cinder
