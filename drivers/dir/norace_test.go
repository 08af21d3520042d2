//go:build !race

package dir_test

const slowdown = 1
