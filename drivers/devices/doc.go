// Package devices opens the files and block devices that volumes are, for those who move their bytes: past the page cache, with
// their holes known.
package devices
