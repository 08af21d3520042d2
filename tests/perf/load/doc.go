// Package load puts load on a Block Storage API v3, of Clinker or of Cinder, and measures its answers. It knows
// nothing of Clinker but this public API, so that figures of both compare. It is careful with polls: generator and
// server share a machine when one measures, and what the generator eats is missing to the server.
package load
