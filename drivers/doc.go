// Package drivers is the contract between Clinker and a storage backend: the Driver interface, the optional
// abilities beside it, the errors a driver may answer with and the registry of drivers by name. The drivers
// themselves live in the folders below; drivertest holds each of them to the promises written here.
//
// Everything here runs on a storage node, which holds no database: what a driver must know comes in its
// arguments and its Config, what it learns goes back in its results.
package drivers
