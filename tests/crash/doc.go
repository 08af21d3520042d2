// Package crash kills Clinker with SIGKILL, at random moments of creates and deletes that come from many clients at once,
// starts it again on the same state, and at the end looks for anything lost: a volume that is stuck, that a client was
// told of and that is not there, that is there and that no client was told of, a row without its file, a file without its
// row, quota that does not add up, a capacity claim or a reservation that nobody will settle.
//
// TestKillBackups does it in the middle of backups and restores.
// TestPowerCut does the same to a machine, whose memory is gone with it; TestFlushPoints looks at its disk as it was at each answer.
//
// CRASH_KILLS says how often to kill (3), CRASH_SEED what the random moments come from; the seed of a run is in its output.
package crash
