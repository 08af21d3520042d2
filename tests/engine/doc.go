// Package engine holds no code, only the test of internal/engine against a Temporal that runs: it is in a package of its
// own so that the engine's unit tests need not link the server.
package engine
