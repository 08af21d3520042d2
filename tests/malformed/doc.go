// Package malformed makes requests that no client means to send, the same ones for the same seed, and sends them as bytes: much
// of what is wrong with them Go's own client would refuse to send.
package malformed
