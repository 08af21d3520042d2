// Package tlsfile reads the certificates and keys of servers, and refuses keys that others can read.
package tlsfile
