// Package hypervisors is the contract between Clinker and whatever hands a volume that a host has taken in to a guest. The Hypervisor interface is
// here; the hypervisors live in the folders below, and hypervisortest holds each of them to the promises written here.
package hypervisors
