// Package workers says which workflows and activities run on which task queue, with how many slots, and how they
// stop. Control has the database; Storage has a driver and no database.
package workers
