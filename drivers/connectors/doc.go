// Package connectors is the contract between Clinker and whatever takes a volume in on a compute host: os-brick's part. The
// Connector interface is here, what a host tells about itself, and the Set that finds the connector of a connection. The connectors live
// in the folders below; connectortest holds each of them to the promises written here.
//
// A connector ends with a device or file on the host. Handing that to a guest is somebody else's work.
package connectors
