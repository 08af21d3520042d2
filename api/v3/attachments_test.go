package v3_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/api/openapitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

// attachEngine does on the real catalogue what the flows of attachments do; the node is a set of hosts that are let in.
type attachEngine struct {
	store   *store.Store
	mu      sync.Mutex
	open    map[string]bool // volume/initiator
	silent  bool            // the node does not answer
	refuse  *flow.Error     // or refuses
	stopped []string
}

const chapSecret = "k7mq2xw9ab3d"

func (e *attachEngine) Accept(ctx context.Context, s flow.Start, result any) error {
	if e.silent && s.Operation != flow.AttachmentDelete {
		if in, ok := s.Input.(flow.AttachInput); ok {
			if _, err := e.begin(s, in); err != nil {
				return err
			}
		}
		<-ctx.Done()
		return flow.ErrEngineAway
	}
	if e.silent {
		<-ctx.Done()
		return flow.ErrEngineAway
	}
	var out any
	var err error
	switch in := s.Input.(type) {
	case flow.AttachInput:
		out, err = e.attach(ctx, s, in)
	case flow.DetachInput:
		out, err = flow.AttachmentResult{}, e.detach(ctx, s, in)
	case flow.ConnectionInput:
		out, err = e.describe(in.Ask)
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, result)
}

func (e *attachEngine) begin(s flow.Start, in flow.AttachInput) (models.Attachment, error) {
	f, err := s.Record(models.FlowRunning, time.Now())
	if err != nil {
		return models.Attachment{}, err
	}
	row := models.Attachment{ID: in.ResourceID, VolumeID: in.VolumeID, Instance: in.Instance, Connector: in.Connector, Mode: in.Mode, Legacy: in.Legacy}
	host, err := row.Host()
	if err != nil {
		return row, err
	}
	row.AttachedHost = host.Host
	if s.Operation == flow.AttachmentCreate {
		row, err = e.store.CreateAttachmentEntry(context.Background(), "", row, f)
	} else {
		row, err = e.store.BeginAttachmentUpdate(context.Background(), "", row, f)
	}
	return row, asFlow(err)
}

func asFlow(err error) error {
	if err == nil {
		return nil
	}
	return &flow.Error{Type: flow.ErrConflict, Message: err.Error()}
}

func (e *attachEngine) attach(ctx context.Context, s flow.Start, in flow.AttachInput) (any, error) {
	row, err := e.begin(s, in)
	if err != nil {
		return nil, err
	}
	if e.refuse != nil {
		return nil, e.undo(ctx, s)
	}
	host, err := row.Host()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.open[in.VolumeID+"/"+host.Initiator] = true
	e.mu.Unlock()
	out, err := e.describe(flow.ConnectInput{Volume: models.StorageVolume{ID: in.VolumeID}, Connector: host, SealTo: in.SealTo, Mode: row.Mode})
	if err != nil {
		return nil, err
	}
	row, err = e.store.ReadyAttachment(ctx, row.ID, s.Header.FlowID, out.Connection, nil)
	return flow.AttachmentResult{Attachment: row, Sealed: out.Sealed}, err
}

func (e *attachEngine) undo(ctx context.Context, s flow.Start) error {
	end := models.FlowEnd{FlowID: s.Header.FlowID, ResourceID: s.Header.ResourceID, State: models.FlowReverted, Gone: s.Operation == flow.AttachmentCreate, Attachment: models.AttachmentReserved}
	if err := e.store.EndFlow(ctx, end); err != nil {
		return err
	}
	return e.refuse
}

func (e *attachEngine) describe(in flow.ConnectInput) (flow.ConnectResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.open[in.Volume.ID+"/"+in.Connector.Initiator] {
		return flow.ConnectResult{}, &flow.Error{Type: flow.ErrNotFound, Message: "not let in"}
	}
	info := models.ISCSIConnection(in.Volume.ID, models.ExportLocation{
		IQN: "iqn.2010-10.org.openstack:volume-" + in.Volume.ID, Portals: []string{"192.0.2.1:3260"}, CHAP: models.CHAP{User: "someone", Password: chapSecret},
	}, false, false)
	info.Data["access_mode"] = in.Mode
	info.Data["enforce_multipath"] = false
	var out flow.ConnectResult
	var secrets map[string]any
	out.Connection, secrets = info.Split()
	var err error
	out.Sealed, err = seal.Seal(in.SealTo, secrets)
	return out, err
}

func (e *attachEngine) detach(ctx context.Context, s flow.Start, in flow.DetachInput) error {
	end := models.FlowEnd{FlowID: s.Header.FlowID, ResourceID: s.Header.ResourceID, State: models.FlowSuccess, Gone: s.Operation == flow.AttachmentDelete}
	if s.Operation == flow.AttachmentTerminate {
		end.Attachment = models.EndPrevious
	}
	if e.refuse != nil {
		end.State, end.Gone, end.Attachment = models.FlowFailure, false, models.AttachmentErrorDetaching
	} else if in.Connected && !in.Shared {
		e.mu.Lock()
		delete(e.open, in.Volume.ID+"/"+in.Connector.Initiator)
		e.mu.Unlock()
	}
	if err := e.store.EndFlow(ctx, end); err != nil {
		return err
	}
	if e.refuse != nil {
		return e.refuse
	}
	return nil
}

func (e *attachEngine) Start(context.Context, flow.Start) error { return nil }

func (e *attachEngine) Resolve(_ context.Context, id, update, _ string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = append(e.stopped, update)
	return nil
}

func (e *attachEngine) AwaitClosed(context.Context, string) error { return nil }

// byService is byToken with the token of a service beside it.
type byService struct{ byToken }

func (b byService) Authenticate(r *http.Request, p string) (middleware.Identity, error) {
	who, err := b.byToken.Authenticate(r, p)
	if who.UserID == "nova" {
		who.ServiceRoles = []string{"service"}
	}
	return who, err
}

type attachRig struct {
	*attachEngine
	h http.Handler
}

func newAttachRig(t *testing.T) *attachRig {
	t.Helper()
	s := openCatalogue(t)
	e := &attachEngine{store: s, open: map[string]bool{}}
	return &attachRig{e, openapitest.Wrap(t, api.New(api.Options{
		Auth: byService{}, Deps: v3.Deps{Store: s, Starter: e, Settings: v3.Settings{AttachWait: 200 * time.Millisecond, NodeWait: 200 * time.Millisecond}},
	}))}
}

func (r *attachRig) volume(t *testing.T, v models.Volume) string {
	t.Helper()
	v.ID, v.ProjectID, v.SizeGiB = uuid.NewString(), project, 1
	id := flow.ID(flow.VolumeCreate, v.ID, uuid.NewString())
	_, err := r.store.CreateEntry(t.Context(), v, models.Flow{ID: id, Operation: models.OpVolumeCreate, ResourceKind: "volume", ResourceID: v.ID, ProjectID: project})
	require.NoError(t, err)
	_, err = r.store.ReadyEntry(t.Context(), v.ID, id, "node1@lvm#LVM", "", nil)
	require.NoError(t, err)
	return v.ID
}

func (r *attachRig) status(t *testing.T, id string) string {
	t.Helper()
	v, err := r.store.GetVolume(t.Context(), "", id)
	require.NoError(t, err)
	return string(v.Status)
}

func (r *attachRig) post(t *testing.T, body string, status int) (id string) {
	t.Helper()
	var doc struct {
		Attachment struct{ ID string }
	}
	decode(t, exchange{method: "POST", who: user, version: "3.54", path: "/attachments", body: body, status: status}.run(t, r.h), &doc)
	return doc.Attachment.ID
}

const (
	connectorH1 = `{"host":"h1","ip":"192.0.2.7","initiator":"iqn.1994-05.com.redhat:h1","multipath":false,"os_type":"linux","platform":"x86_64"}`
	instance    = "99999999-8888-4777-8666-555555555555"
)

func TestAttachmentOverTheAPI(t *testing.T) {
	r := newAttachRig(t)
	v := r.volume(t, models.Volume{})
	body := `{"attachment":{"volume_uuid":"` + v + `","instance_uuid":"` + instance + `","connector":null,"mode":"rw"}}`
	a := r.post(t, body, 200)
	require.Equal(t, "reserved", r.status(t, v))
	runAll(t, r.h, []exchange{
		{name: "twice", who: user, version: "3.54", method: "POST", path: "/attachments", body: `{"attachment":{"volume_uuid":"` + v + `"}}`, status: 400, has: []string{"is reserved"}},
		{name: "too old", who: user, version: "3.26", path: "/attachments", status: 404},
		{
			name: "list", who: user, version: "3.27", path: "/attachments", status: 200,
			want: `{"attachments":[{"id":"` + a + `","status":"reserved","instance":"` + instance + `","volume_id":"` + v + `"}]}`,
		},
		{name: "complete too early", who: user, version: "3.44", method: "POST", path: "/attachments/" + a + "/action", body: `{"os-complete":null}`, status: 400, has: []string{"is reserved"}},
		{
			name: "connect", who: user, version: "3.27", method: "PUT", path: "/attachments/" + a, body: `{"attachment":{"connector":` + connectorH1 + `}}`, status: 200,
			want: `{"attachment":{"id":"` + a + `","status":"attaching","instance":"` + instance + `","volume_id":"` + v + `","attached_at":"","detached_at":"","attach_mode":"rw",
				"connection_info":{"driver_volume_type":"iscsi","attachment_id":"` + a + `","target_discovered":false,"target_iqn":"iqn.2010-10.org.openstack:volume-` + v + `",
				"target_lun":0,"target_portal":"192.0.2.1:3260","volume_id":"` + v + `","auth_method":"CHAP","auth_username":"someone","auth_password":"` + chapSecret + `",
				"access_mode":"rw","encrypted":false,"enforce_multipath":false}}}`,
		},
		{name: "again, the same", who: user, version: "3.27", method: "PUT", path: "/attachments/" + a, body: `{"attachment":{"connector":` + connectorH1 + `}}`, status: 200, has: []string{chapSecret}},
		{name: "another host", who: user, version: "3.27", method: "PUT", path: "/attachments/" + a, body: `{"attachment":{"connector":{"host":"h2","initiator":"iqn.x:h2"}}}`, status: 409},
		{name: "no keys", who: user, version: "3.27", method: "PUT", path: "/attachments/" + a, body: `{"attachment":{"connector":{}}}`, status: 400},
		{name: "before 3.44", who: user, version: "3.43", method: "POST", path: "/attachments/" + a + "/action", body: `{"os-complete":null}`, status: 404},
		{name: "complete", who: user, version: "3.44", method: "POST", path: "/attachments/" + a + "/action", body: `{"os-complete":null}`, status: 204, wantNoneOfBody: true},
		{name: "show", who: user, version: "3.27", path: "/attachments/" + a, status: 200, has: []string{`"status":"attached"`, chapSecret}},
		{name: "details", who: user, version: "3.27", path: "/attachments/detail?volume_id=" + v, status: 200, has: []string{`"target_lun":0`}, hasNot: []string{chapSecret, "someone"}},
		{name: "filtered away", who: user, version: "3.31", path: "/attachments?status=reserved", status: 200, want: `{"attachments":[]}`},
		{name: "by instance", who: user, version: "3.31", path: "/attachments?instance_id=" + instance, status: 200, has: []string{a}},
		{name: "unknown filter", who: user, version: "3.31", path: "/attachments?colour=red", status: 400},
		{name: "in the volume", who: user, path: "/volumes/" + v, status: 200, has: []string{`"attachment_id":"` + a + `"`, `"server_id":"` + instance + `"`, `"host_name":null`, `"status":"in-use"`}},
		{name: "for admins", path: "/volumes/detail", status: 200, has: []string{`"host_name":"h1"`}},
		{name: "not by a user", who: user, version: "3.27", method: "DELETE", path: "/attachments/" + a, status: 409, has: []string{"ConflictNovaUsingAttachment", instance}},
		{name: "nor by an admin", version: "3.27", method: "DELETE", path: "/attachments/" + a, status: 409},
		{name: "of no use", who: user, version: "3.27", path: "/attachments/" + instance, status: 404},
		{name: "delete the volume", who: user, method: "DELETE", path: "/volumes/" + v, status: 400},
		{name: "by the service", who: "nova", version: "3.27", method: "DELETE", path: "/attachments/" + a, status: 200, want: `{"attachments":[]}`},
		{name: "gone", who: user, version: "3.27", path: "/attachments/" + a, status: 404},
	})
	require.Equal(t, "available", r.status(t, v))
	require.Empty(t, r.open)
}

func TestAttachmentWithConnector(t *testing.T) {
	r := newAttachRig(t)
	v := r.volume(t, models.Volume{Readonly: true})
	body := func(mode string) string {
		return `{"attachment":{"volume_uuid":"` + v + `","connector":` + connectorH1 + `,"mode":` + mode + `}}`
	}
	r.post(t, body(`"rw"`), 409)
	r.post(t, body(`"wild"`), 400)
	r.refuse = &flow.Error{Type: flow.ErrUnavailable, Message: "the node is broken"}
	r.post(t, body("null"), 503)
	r.refuse = nil
	require.Equal(t, "available", r.status(t, v), "what failed left nothing")
	a := r.post(t, body(`"ro"`), 200)
	require.Equal(t, "attaching", r.status(t, v))
	exchange{who: user, version: "3.27", path: "/attachments/" + a, status: 200, has: []string{`"attach_mode":"ro"`, `"access_mode":"ro"`}}.run(t, r.h)
	r.open = map[string]bool{}
	exchange{who: user, version: "3.27", path: "/attachments/" + a, status: 200, has: []string{`"target_lun":0`}, hasNot: []string{chapSecret}}.run(t, r.h)
	exchange{who: user, version: "3.27", method: "DELETE", path: "/attachments/" + a, status: 200}.run(t, r.h)
	require.Equal(t, "available", r.status(t, v), "no instance uses it: whoever made it may end it")
	r.post(t, `{"attachment":{"volume_uuid":"`+instance+`"}}`, 404)
	r.post(t, `{"attachment":{}}`, 400)
}

// A node that does not answer: the client is told 502, and the flow that it has nobody to answer.
func TestSilentNode(t *testing.T) {
	r := newAttachRig(t)
	v := r.volume(t, models.Volume{})
	a := r.post(t, `{"attachment":{"volume_uuid":"`+v+`"}}`, 200)
	r.silent = true
	exchange{who: user, version: "3.27", method: "PUT", path: "/attachments/" + a, body: `{"attachment":{"connector":` + connectorH1 + `}}`, status: 502, has: []string{"node1@lvm did not answer in time"}}.run(t, r.h)
	require.Equal(t, []string{flow.UpdateAbort}, r.stopped)
	row, err := r.store.GetAttachment(t.Context(), "", a)
	require.NoError(t, err)
	require.Equal(t, row.FlowID, row.AbandonedBy)
	exchange{who: user, version: "3.27", method: "PUT", path: "/attachments/" + a, body: `{"attachment":{"connector":` + connectorH1 + `}}`, status: 409}.run(t, r.h)
	exchange{who: user, version: "3.27", method: "DELETE", path: "/attachments/" + a, status: 409, has: []string{"belongs to flow"}}.run(t, r.h)
	_, err = r.store.ReadyAttachment(t.Context(), a, row.FlowID, models.ConnectionInfo{}, nil)
	require.ErrorIs(t, err, models.ErrAbandoned)

	r.silent = false
	w := r.volume(t, models.Volume{})
	b := r.post(t, `{"attachment":{"volume_uuid":"`+w+`","connector":`+connectorH1+`}}`, 200)
	r.silent = true
	exchange{who: user, version: "3.27", method: "DELETE", path: "/attachments/" + b, status: 502, has: []string{"the detach goes on"}}.run(t, r.h)
	require.Equal(t, "detaching", r.status(t, w))
}

func TestOlderActions(t *testing.T) {
	r := newAttachRig(t)
	v := r.volume(t, models.Volume{})
	act := func(name, body string, status int, more ...exchange) {
		t.Helper()
		e := exchange{who: user}
		if len(more) > 0 {
			e = more[0]
		}
		e.method, e.path, e.body, e.status = "POST", "/volumes/"+v+"/action", `{"`+name+`":`+body+`}`, status
		e.run(t, r.h)
	}
	init := `{"connector":` + connectorH1 + `}`
	act("os-reserve", "null", 202)
	act("os-reserve", "null", 400)
	act("os-unreserve", "null", 202)
	act("os-unreserve", "null", 202)
	act("os-begin_detaching", "null", 400)
	act("os-reserve", "{}", 202)
	act("os-initialize_connection", `{"connector":{}}`, 400)
	for range 2 {
		act("os-initialize_connection", init, 200, exchange{who: user, has: []string{chapSecret, `"driver_volume_type":"iscsi"`, `"enforce_multipath":false`}})
	}
	act("os-attach", `{"mountpoint":"/dev/vdb"}`, 400)
	act("os-attach", `{"instance_uuid":"`+instance+`","mountpoint":"/dev/vdb","mode":"rw"}`, 202)
	require.Equal(t, "in-use", r.status(t, v))
	exchange{who: user, path: "/volumes/" + v, status: 200, has: []string{`"device":"/dev/vdb"`}}.run(t, r.h)
	act("os-begin_detaching", "null", 202)
	act("os-roll_detaching", "null", 202)
	act("os-begin_detaching", "null", 202)
	act("os-terminate_connection", init, 409)
	act("os-detach", "null", 409)
	nova := exchange{who: "nova"}
	act("os-terminate_connection", init, 202, nova)
	act("os-terminate_connection", init, 202, nova)
	require.Empty(t, r.open)
	require.Equal(t, "detaching", r.status(t, v))
	act("os-detach", `{"attachment_id":"`+instance+`"}`, 400, nova)
	act("os-detach", "null", 202, nova)
	require.Equal(t, "available", r.status(t, v))
	act("os-detach", "null", 400, nova)

	// One that never came to be used is gone with its connection.
	act("os-initialize_connection", init, 200)
	act("os-terminate_connection", `{"connector":null}`, 202)
	require.Empty(t, r.open)
	exchange{who: user, version: "3.27", path: "/attachments", status: 200, want: `{"attachments":[]}`}.run(t, r.h)
	require.Equal(t, "available", r.status(t, v))
}

func TestForceDetach(t *testing.T) {
	r := newAttachRig(t)
	v := r.volume(t, models.Volume{})
	a := r.post(t, `{"attachment":{"volume_uuid":"`+v+`","instance_uuid":"`+instance+`","connector":`+connectorH1+`}}`, 200)
	at := exchange{method: "POST", path: "/volumes/" + v + "/action", body: `{"os-force_detach":{"attachment_id":"` + a + `","connector":` + connectorH1 + `}}`}
	at.who, at.status = user, 403
	at.run(t, r.h)
	at.who = ""
	r.refuse = &flow.Error{Type: flow.ErrBackendDown, Message: "nothing proves that host h1 has stopped writing"}
	at.status, at.has = 409, []string{"nothing proves"}
	at.run(t, r.h)
	require.Equal(t, "detaching", r.status(t, v), "not free")
	r.refuse = nil
	at.status, at.has = 202, nil
	at.run(t, r.h)
	require.Equal(t, "available", r.status(t, v))
	require.Empty(t, r.open)
	at.status = 400
	at.run(t, r.h)
}
