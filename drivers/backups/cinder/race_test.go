//go:build race

package cinder_test

// raced is whether the race detector is on. It looks at each byte, so that GiBs take minutes.
const raced = true
