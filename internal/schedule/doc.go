// Package schedule knows when backup schedules are due, and which of their backups stay. It is pure.
package schedule
