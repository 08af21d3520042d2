//go:build race

package dir_test

const slowdown = 10 // what the race detector costs
