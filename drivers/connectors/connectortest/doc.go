// Package connectortest holds connectors to the promises of package connectors. A connector's own test says how to make one and how
// to get a volume exported to this host, and calls Run.
package connectortest
