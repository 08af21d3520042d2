// Package middleware is what every request passes before a handler of api/v3 sees it: its scope (ids, path, identity,
// microversion), the access log, metrics, recovery from panics, limits on bodies, authentication.
package middleware
