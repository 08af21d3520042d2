// Package fake is a backend in memory, for tests of whatever stands above a driver. It keeps the contract (drivertest holds
// it to it), has pools of limited capacity if asked, and follows a plan of faults: refuse the second create, do the work and
// lose the answer, take a second, hang until cancelled.
package fake
