//go:build !race

package cinder_test

const raced = false
