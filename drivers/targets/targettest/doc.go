// Package targettest holds targets to the contract of package targets: Run calls them as the flows do, logs in as hosts do, and looks
// at the bytes. A target's own test is some ten lines. LibISCSI and OpenISCSI log in by real initiators.
package targettest
