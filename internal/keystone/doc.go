// Package keystone asks a Keystone who has sent a token (auth_strategy = keystone), with the options of [keystone_authtoken] that
// keystonemiddleware has. What it hears is remembered for a while, so that a burst of requests asks once.
//
// Keystone being away is never an answer about a token: that is ErrUnavailable, whatever the token, unless it is remembered still.
package keystone
