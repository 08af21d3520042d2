// Package clitest is a small block storage service in memory for the tests of the command line: volumes, types, quotas and
// flows that move on one task with each look at them. Ids and times are the same in every run, for golden output.
package clitest
