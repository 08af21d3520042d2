// Package install holds no code, only the test of tests/install.sh.
package install
