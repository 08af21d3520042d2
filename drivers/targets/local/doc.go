// Package local gives a volume to hosts that are its own node: nothing is exported, a host opens the device or file where it is.
package local
