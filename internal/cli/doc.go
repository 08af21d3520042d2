// Package cli is the logic of the clinker command line: finding and authenticating against the service, requests that may
// be repeated safely, waiting for flows, and printing. Commands and flags are in cmd/clinker.
//
// It speaks the Block Storage API v3 and Clinker's flows beside it, and links neither the server's packages nor Temporal.
package cli
