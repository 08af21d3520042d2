// Package trial tries a backend out as an operator would before opening it to users: tools and rights, create, write, snapshot,
// clone, extend, export, log in, read back, delete. It works through the contracts alone, on volumes of its own, and takes
// away what it made, also when a step fails.
package trial
