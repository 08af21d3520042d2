// Package sharetest helps the tests of drivers/sharefs and of the backends made of it: it opens volumes whose files are not
// raw, which drivertest can't by itself.
package sharetest
