package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// What is wrong with a request is told with Cinder's codes and error bodies, and leaves nothing behind.
func badInput(t *testing.T, s *harness.Server) {
	api := s.API("bad-input")
	api.SetQuota(t, object{"gigabytes": 3, "volumes": 2, "per_volume_gigabytes": 4})
	volume := func(more object) object { return harness.VolumeRequest("bad", 1, more) }
	for name, c := range map[string]struct {
		method, path string // of POST /volumes unless given
		body         any
		header       string
		status       int
		fault, says  string
	}{
		"over the quota of gigabytes": {body: volume(object{"size": 4}), status: 413, fault: "overLimit", says: "gigabytes quota"},
		"over the quota of one volume": {
			body: volume(object{"size": 5}), status: 413, fault: "overLimit", says: "larger than maximum allowed limit 4G",
		},
		"unknown type":       {body: volume(object{"volume_type": "nix"}), status: 404, fault: "itemNotFound", says: "nix"},
		"unknown source":     {body: volume(object{"source_volid": "0f9c2ba5-8b4e-4e5c-9a53-6f1c0b1d2e3f"}), status: 404, fault: "itemNotFound", says: "0f9c2ba5"},
		"unknown zone":       {body: volume(object{"availability_zone": "mars"}), status: 400, fault: "badRequest", says: "mars"},
		"size 0":             {body: volume(object{"size": 0}), status: 400, fault: "badRequest", says: "size"},
		"size -1":            {body: volume(object{"size": -1}), status: 400, fault: "badRequest", says: "size"},
		"size x":             {body: volume(object{"size": "x"}), status: 400, fault: "badRequest", says: "size"},
		"size 2^31":          {body: volume(object{"size": 1 << 31}), status: 400, fault: "badRequest", says: "size"},
		"size 1.5":           {body: volume(object{"size": 1.5}), status: 400, fault: "badRequest", says: "size"},
		"no size":            {body: object{"volume": object{}}, status: 400, fault: "badRequest", says: "size"},
		"name too long":      {body: volume(object{"name": strings.Repeat("ä", 256)}), status: 400, fault: "badRequest", says: "256"},
		"an image":           {body: volume(object{"imageRef": "0f9c2ba5-8b4e-4e5c-9a53-6f1c0b1d2e3f"}), status: 400, fault: "badRequest", says: "image"},
		"malformed JSON":     {body: `{"volume": {`, status: 400, fault: "badRequest", says: "JSON"},
		"not an object":      {body: `[]`, status: 400, fault: "badRequest", says: "JSON"},
		"no body":            {body: ``, status: 400, fault: "badRequest", says: "body"},
		"10 MiB":             {body: `{"volume": {"name": "` + strings.Repeat("a", 10<<20) + `"}}`, status: 413, fault: "overLimit", says: "too large"},
		"XML":                {body: `<volume/>`, header: "Content-Type: application/xml", status: 415, fault: "badMediaType", says: "json"},
		"newer microversion": {body: volume(nil), header: "OpenStack-API-Version: volume 3.99", status: 406, fault: "computeFault", says: "3.71"},
		"not a microversion": {body: volume(nil), header: "OpenStack-API-Version: volume x", status: 400, fault: "badRequest", says: "x"},
		"unknown route":      {method: "GET", path: "/nix", status: 404, fault: "itemNotFound"},
		"unknown volume":     {method: "GET", path: "/volumes/nix", status: 404, fault: "itemNotFound", says: "nix"},
		"unknown flow":       {method: "GET", path: "/flows/nix", status: 404, fault: "itemNotFound", says: "nix"},
		"unknown marker":     {method: "GET", path: "/volumes?marker=nix", status: 404, fault: "itemNotFound", says: "nix"},
		"limit -1":           {method: "GET", path: "/volumes?limit=-1", status: 400, fault: "badRequest", says: "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			method, path := "POST", "/volumes"
			if c.method != "" {
				method, path = c.method, c.path
			}
			var headers []string
			if c.header != "" {
				headers = []string{c.header}
			}
			r := api.Want(t, c.status, method, path, c.body, headers...)
			fault, message := r.Fault(t)
			require.Equal(t, c.fault, fault)
			require.Contains(t, message, c.says)
			require.NotEmpty(t, r.RequestID())
			for _, leak := range []string{"sql", "gorm", "goroutine", ".go:"} {
				require.NotContains(t, strings.ToLower(message), leak)
			}
		})
	}
	t.Run("no token", func(t *testing.T) {
		r := api.Want(t, http.StatusUnauthorized, "GET", "/volumes", nil, "X-Auth-Token: ")
		fault, _ := r.Fault(t)
		require.Equal(t, "unauthorized", fault)
	})

	rows, err := api.Volumes(t.Context(), false)
	require.NoError(t, err)
	require.Empty(t, rows)
	harness.CheckUsage(t, api)
	t.Run("the count of volumes", func(t *testing.T) {
		for range 2 {
			api.Create(t, "good", 1)
		}
		r := api.Want(t, 413, "POST", "/volumes", volume(nil))
		_, message := r.Fault(t)
		require.Contains(t, message, "Maximum number of volumes allowed (2) exceeded")
		harness.CheckUsage(t, api)
	})
}

// A volume that no pool takes is accepted and then in error; the flow and a message say which pool refused it for what.
func noPoolFits(t *testing.T, s *harness.Server) {
	api := s.API("no-pool")
	api.SetQuota(t, object{"gigabytes": -1})
	api.Want(t, 200, "POST", "/types", object{"volume_type": object{"name": "nowhere", "extra_specs": object{"volume_backend_name": "elsewhere"}}})
	for name, c := range map[string]struct {
		size   int64
		more   object
		filter string
	}{
		"capabilities": {size: 1, more: object{"volume_type": "nowhere"}, filter: "CapabilitiesFilter"},
		"capacity":     {size: 1 << 20, filter: "CapacityFilter"},
	} {
		t.Run(name, func(t *testing.T) {
			v, id := api.Create(t, "homeless", c.size, c.more)
			api.WaitStatus(t, v.ID, "error")
			f := api.WaitFlow(t, id, "FAILURE")
			require.Equal(t, "VolumeCast", f.FailedTask)
			require.Equal(t, "FAILURE", f.Task("VolumeCast").State)
			require.Equal(t, "PENDING", f.Task("CreateVolume").State)
			var out struct {
				Messages []struct {
					Resource string `json:"resource_uuid"`
					Text     string `json:"user_message"`
				}
			}
			api.Want(t, 200, "GET", "/messages?resource_uuid="+v.ID, nil).Decode(t, &out)
			require.Len(t, out.Messages, 1)
			for _, text := range []string{f.Error, out.Messages[0].Text} {
				require.Contains(t, text, "@dir#dir")
				require.Contains(t, text, c.filter)
			}
			shown, code := s.CLI(t, "no-pool", "flow", "show", id)
			require.Zero(t, code, shown)
			require.Contains(t, shown, c.filter)
			require.NotEmpty(t, s.Logged(t, f.ID, c.filter, "task=VolumeCast"))

			api.Delete(t, v.ID)
			api.WaitGone(t, v.ID)
		})
	}
	harness.CheckUsage(t, api)
}
