// Package fake takes in volumes that are files of this machine, for tests of whoever uses connectors. It keeps to the promises of the real
// ones, remembers what is connected, and fails where it is told to.
package fake
