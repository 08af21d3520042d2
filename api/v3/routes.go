package v3

import (
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/internal/policy"
)

// Handler answers one request; an error it returns becomes the answer.
type Handler func(c *Call) error

// Route is one operation of the API.
type Route struct {
	Method string
	// Path is below /v3 and without the project, in gin's form: /volumes/:volume_id.
	Path   string
	Handle Handler
	// Min is the first microversion that knows the route; before it, the route answers 404.
	Min microversion.Version
	// Rule is the operation's name in the policy. Where the body's one action decides, ByAction has their names instead,
	// and the handler asks for the right one.
	Rule     string
	ByAction []string
	// Of reads the thing that the path names, for the policy to look at; nil where the request is about none. What the
	// caller can't reach is not found, before the policy is asked: ids of other projects are never confirmed.
	Of func(c *Call) (policy.Target, error)
}

// API is the resources with what they work on.
type API struct {
	Deps
	types typeNames
}

// New returns the resources; settings that are zero take their defaults.
func New(d Deps) *API {
	d.setDefaults()
	return &API{Deps: d, types: typeNames{store: d.Store, now: d.Now}}
}

// Routes lists every operation.
func (a *API) Routes() []Route {
	var all []Route
	for _, part := range []func() []Route{
		a.volumeRoutes,
		a.volumeActionRoutes,
		a.volumeMetadataRoutes,
		a.snapshotRoutes,
		a.snapshotMetadataRoutes,
		a.backupRoutes,
		a.manageableRoutes,
		a.attachmentRoutes,
		a.attachmentCheckRoutes,
		a.flowRoutes,
		a.scheduleRoutes,
		a.typeRoutes,
		a.extraSpecRoutes,
		a.typeAccessRoutes,
		a.quotaRoutes,
		a.quotaClassRoutes,
		a.limitRoutes,
		a.serviceRoutes,
		a.poolRoutes,
		a.capabilityRoutes,
		a.zoneRoutes,
		a.extensionRoutes,
		a.messageRoutes,
		a.resourceFilterRoutes,
	} {
		all = append(all, part()...)
	}
	return all
}
