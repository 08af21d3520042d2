package flow

import "time"

// What a backup of a volume in use does about its guests.
const (
	QuiesceNo         = ""            // the backup is crash-consistent
	QuiesceRequired   = "required"    // no backup without it
	QuiesceIfPossible = "if-possible" // crash-consistent where it can't be had
)

// Task names of a backup whose guests hold still while its temporary snapshot is made.
const (
	TaskFindAgent   = "FindAgent"
	TaskFreezeGuest = "FreezeGuest"
	TaskThawGuest   = "ThawGuest"
)

// FreezeLimit is how long guests hold still at most; the host sees to it.
const FreezeLimit = 30 * time.Second

// FreezeInput asks a host worker to look for the agent of a guest, to have the guest hold still, or to let it go on.
type FreezeInput struct {
	Header
	Instance string        `json:"instance"`
	Limit    time.Duration `json:"limit,omitempty"` // FreezeGuest: for so long at most
}

// ThawResult says whether a guest held still until it was let go on.
type ThawResult struct {
	Held bool `json:"held"`
}
