// Package qcow reads and writes qcow2 files (QEMU's docs/interop/qcow2.txt) for those who move the bytes of a disk: without a program,
// a copy or a device between. Which file is one is for others to know: nothing here guesses a format (data-safety rule 9).
package qcow
