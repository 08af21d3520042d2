// Package api serves the OpenStack Block Storage API v3 over HTTP. It authenticates, validates and answers; the work is
// done by flows that it starts through v3.Starter. It never touches a driver, a workflow or the database itself.
//
// # How a resource file of api/v3 is written
//
// One file per resource, or three where it grows (volumes.go with handlers, volume_request.go, volume_view.go):
//
//   - An interface with the store methods it needs (type VolumeStore interface {...}), embedded into v3.Store in deps.go.
//
//   - A method on *API that lists its routes; add it to the list in routes.go:
//
//     func (a *API) volumeRoutes() []Route {
//     return []Route{{Method: "GET", Path: "/volumes/:volume_id", Handle: a.showVolume}, ...}
//     }
//
//     Paths are below /v3 and without the project. Min hides a route from older microversions (404), Admin answers 403 to others.
//
//   - Handlers of the form func(c *Call) error. They read with c.Param, c.Query, c.Body, c.Page, and answer with c.JSON
//     or c.Empty. An error they return becomes Cinder's error document: a fault.Fault as it stands; errors of the store and of
//     flows by the table in api/fault. Give "X could not be found" your own words with notFound(err, "volume type", id).
//
//   - A request is read key by key from c.Body("volume"): each reader checks the value and keeps the first refusal; End
//     returns it, and refuses unknown keys when asked to be strict. Nothing is looked up before End.
//
//   - A view is a small struct, or, where speed matters, a function that appends to a view.Writer.
//
// Handlers see what is known of the request through c.Scope: identity, microversion, request id, logger.
package api
