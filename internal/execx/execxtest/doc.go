// Package execxtest has a Runner for unit tests: it plays the answers it was given and writes down what it was asked.
// It shows that a program is called rightly, not that the program does what we think: that needs the real one. Of those it can wait for one to have stopped.
package execxtest
