// Package v3 holds the resources of the Block Storage API v3, a file per resource; package api says how one is written.
package v3
