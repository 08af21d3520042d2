// Package apitest runs the whole API over a small catalogue and a small engine in memory, for tests. Both work:
// volumes are made, extended and deleted, records compete, keys are remembered; only nothing is stored.
package apitest
