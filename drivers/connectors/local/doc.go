// Package local takes in volumes of the host's own disks: there is nothing to log in to, a guest opens the device where it is.
package local
