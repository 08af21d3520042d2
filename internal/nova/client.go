package nova

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/keystone"
)

// sinceExtended is the microversion of Nova's API that knows the event volume-extended (Pike).
const sinceExtended = "2.51"

// Client talks to Nova. It is safe for concurrent use.
type Client struct {
	opts     keystone.Options
	provider *gophercloud.ProviderClient

	mu      sync.Mutex // guards compute while it is made
	compute *gophercloud.ServiceClient
}

// New makes a client; nobody is asked yet, so that Clinker can start before Nova and Keystone.
func New(o keystone.Options) (*Client, error) {
	o.Section = "nova"
	provider, err := keystone.NewProvider(&o)
	if err != nil {
		return nil, err
	}
	return &Client{opts: o, provider: provider}, nil
}

// event is one of os-server-external-events: what Nova is told, and in its answer what it made of that.
type event struct {
	Name   string `json:"name"`
	Server string `json:"server_uuid"`
	Tag    string `json:"tag"`
	Code   int    `json:"code,omitempty"`
}

type events struct {
	Events []event `json:"events"`
}

// VolumeExtended tells Nova that a volume of some servers has grown. Nova reads the size from the volume's row, so that has to have it already; that
// the servers' hosts have seen it is not known when this returns. Telling twice does no harm.
func (c *Client) VolumeExtended(ctx context.Context, volumeID string, servers []string) error {
	api, err := c.api(ctx)
	if err != nil {
		return refusal(err)
	}
	var told, answer events
	for _, s := range servers {
		told.Events = append(told.Events, event{Name: "volume-extended", Server: s, Tag: volumeID})
	}
	_, err = api.Post(ctx, api.ServiceURL("os-server-external-events"), told, &answer, &gophercloud.RequestOpts{ //nolint:bodyclose // gophercloud reads and closes it
		OkCodes: []int{http.StatusOK, http.StatusMultiStatus},
	})
	if err != nil {
		return refusal(err)
	}
	return judged(servers, answer)
}

// judged looks whether Nova took the event for each server.
func judged(servers []string, answer events) error {
	codes := map[string]int{}
	for _, e := range answer.Events {
		codes[e.Server] = e.Code
	}
	var refused []string
	for _, s := range servers {
		if codes[s] != http.StatusOK {
			refused = append(refused, fmt.Sprintf("server %s (code %d)", s, codes[s]))
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return &flow.Error{
		Type: flow.ErrCertain, Message: "the compute service did not take it for " + strings.Join(refused, ", "),
		Hint: "404 is a server that it does not know, 422 one that runs on no host",
	}
}

// api returns the compute API with Clinker's own token.
func (c *Client) api(ctx context.Context) (*gophercloud.ServiceClient, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.compute != nil {
		return c.compute, nil
	}
	if err := c.opts.Login(ctx, c.provider); err != nil {
		return nil, err
	}
	compute, err := openstack.NewComputeV2(c.provider, gophercloud.EndpointOpts{Region: c.opts.Region, Availability: gophercloud.Availability(c.opts.Interface)})
	if err != nil {
		return nil, fmt.Errorf("no compute endpoint for region_name %q and interface %q: %w", c.opts.Region, c.opts.Interface, err)
	}
	compute.Microversion = sinceExtended
	c.compute = compute
	return compute, nil
}

// refusal tells what will stay as it is from what may pass. The answer's text stays out of the message: it may name hosts, or us.
func refusal(err error) error {
	var code gophercloud.ErrUnexpectedResponseCode
	var none *gophercloud.ErrEndpointNotFound
	switch {
	case errors.As(err, &none):
		return &flow.Error{Type: flow.ErrCertain, Message: "there is no compute service in the service catalogue", Hint: err.Error()}
	case !errors.As(err, &code):
		return &flow.Error{Type: flow.ErrUnavailable, Message: "the compute service does not answer", Hint: err.Error()}
	case code.Actual == http.StatusNotFound:
		return &flow.Error{Type: flow.ErrCertain, Message: "the compute service knows none of the servers, or they run on no host"}
	case code.Actual >= 500, code.Actual == http.StatusTooManyRequests, code.Actual == http.StatusRequestTimeout:
		return &flow.Error{Type: flow.ErrUnavailable, Message: fmt.Sprintf("the compute service answered %d", code.Actual)}
	}
	return &flow.Error{
		Type: flow.ErrCertain, Message: fmt.Sprintf("the compute service, or Keystone before it, refused Clinker's user with %d", code.Actual),
		Hint: "see username, password and project_name in [nova]: Nova's policy os_compute_api:os-server-external-events:create wants an administrator or the role service",
	}
}
