// Package scheduler decides which pool gets a volume.
//
// It is a pure function with a long rule book: it reads no clock, does no I/O and keeps no state,
// so the same request, pools and seed always give the same decision. Pools pass through filters in
// the order given, the first filter that refuses a pool says why, and the survivors are ranked by
// weighers. The rules, names and operators are those of Cinder's scheduler; where they differ, the
// comment at the rule says so and docs/scheduler.md lists it.
//
// Two concurrent placements must not spend the same space. That is the caller's part: read the pools,
// [Scheduler.Place], [Pool.Consume] and write back within one database transaction.
package scheduler
