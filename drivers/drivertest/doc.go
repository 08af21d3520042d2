// Package drivertest holds a driver to the promises of drivers.Driver. A driver's own test is a few lines:
//
//	func TestConformance(t *testing.T) {
//		drivertest.Run(t, func(t *testing.T) drivers.Driver { return newDriver(t) }, drivertest.Options{})
//	}
package drivertest
