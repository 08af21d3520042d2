package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func TestCreateVolume(t *testing.T) {
	rig := apitest.New(t)
	a := rig.Do(t, "POST", volumes, `{"volume":{"size":"10","name":"  db01 ","description":"d","volume_type":"gold","availability_zone":"nova",
		"metadata":{"k":"v"},"multiattach":false,"snapshot_id":null,"source_volid":null,"imageRef":null,"consistencygroup_id":null},
		"OS-SCH-HNT:scheduler_hints":{"same_host":"`+uuidOf(7)+`","different_host":["`+uuidOf(8)+`"],"query":["=","$a",1],"unknown":1}}`).Is(202)
	v := a.At("volume").(map[string]any)
	require.Equal(t, "creating", v["status"])
	require.Equal(t, "db01", v["name"])
	require.EqualValues(t, 10, v["size"])
	require.Equal(t, "gold", v["volume_type"])
	require.Equal(t, "mia", v["user_id"])
	require.Equal(t, []any{}, v["attachments"])
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`, v["created_at"])

	s := rig.Engine.Started[0]
	in := s.Input.(flow.VolumeCreateInput)
	require.Equal(t, a.Header.Get("Clinker-Flow"), s.Header.FlowID)
	require.Equal(t, a.Header.Get("X-Openstack-Request-Id"), s.Header.RequestID)
	require.Equal(t, flow.ID(flow.VolumeCreate, v["id"].(string), s.Header.RequestID), s.Header.FlowID)
	require.Equal(t, "create 10 GiB volume db01 of type gold", s.Header.Summary)
	require.Equal(t, flow.VolumeCreateTasks(), in.Tasks)
	require.Equal(t, apitest.Project, in.ProjectID)
	require.WithinDuration(t, time.Now().Add(8*time.Second), in.AcceptBy, 2*time.Second)
	require.Equal(t, 72, in.HoldHours)
	require.Equal(t, 3, in.MaxAttempts)
	require.Equal(t, flow.Hints{SameHost: []string{uuidOf(7)}, DifferentHost: []string{uuidOf(8)}, Query: `["=","$a",1]`}, in.Hints)
}

func TestCreateVolumeFromVolume(t *testing.T) {
	rig := apitest.New(t)
	rig.Do(t, "POST", volumes, `{"volume":{"source_volid":"`+uuidOf(3)+`","display_name":"copy"}}`).Is(202)
	in := rig.Engine.Started[0].Input.(flow.VolumeCreateInput)
	require.Equal(t, uuidOf(3), in.SourceVolID)
	require.Zero(t, in.SizeGiB)
	require.Equal(t, "create volume copy from volume "+uuidOf(3), in.Summary)
}

func TestCreateVolumeRefuses(t *testing.T) {
	long := strings.Repeat("ä", 256)
	id := uuidOf(9)
	for name, c := range map[string]struct {
		body, version string
		code          int
		says          string
	}{
		"size 0":                {`{"size":0}`, "", 400, "1 to 2147483647"},
		"size -1":               {`{"size":-1}`, "", 400, "size"},
		"size x":                {`{"size":"x"}`, "", 400, "size"},
		"size 2^31":             {`{"size":2147483648}`, "", 400, "2147483647"},
		"size 1.5":              {`{"size":1.5}`, "", 400, "size"},
		"size huge":             {`{"size":99999999999999999999999999}`, "", 400, "size"},
		"size true":             {`{"size":true}`, "", 400, "size"},
		"size object":           {`{"size":{}}`, "", 400, "size"},
		"no size":               {`{"name":"x"}`, "", 400, "size is needed"},
		"name of 256":           {`{"size":1,"name":"` + long + `"}`, "", 400, "256 characters"},
		"name a number":         {`{"size":1,"name":5}`, "", 400, "must be a string"},
		"name with NUL":         {`{"size":1,"name":"a\u0000b"}`, "", 400, "NUL"},
		"description of 256":    {`{"size":1,"description":"` + long + `"}`, "", 400, "256 characters"},
		"unknown type":          {`{"size":1,"volume_type":"tin"}`, "", 404, "volume type tin could not be found"},
		"empty zone":            {`{"size":1,"availability_zone":""}`, "", 400, "availability_zone"},
		"metadata list":         {`{"size":1,"metadata":[]}`, "", 400, "metadata"},
		"metadata number":       {`{"size":1,"metadata":{"a":1}}`, "", 400, "must be a string"},
		"metadata null value":   {`{"size":1,"metadata":{"a":null}}`, "", 400, "must be a string"},
		"metadata bad key":      {`{"size":1,"metadata":{"a/ä":"1"}}`, "", 400, "key"},
		"metadata empty key":    {`{"size":1,"metadata":{"":"1"}}`, "", 400, "key"},
		"metadata long value":   {`{"size":1,"metadata":{"a":"` + long + `"}}`, "", 400, "255"},
		"metadata of 129":       {`{"size":1,"metadata":` + pairs(129) + `}`, "", 413, "at most 128"},
		"multiattach":           {`{"size":1,"multiattach":true}`, "", 400, "volume type"},
		"multiattach word":      {`{"size":1,"multiattach":"maybe"}`, "", 400, "true or false"},
		"image":                 {`{"size":1,"imageRef":"` + id + `"}`, "", 400, "images"},
		"image_id":              {`{"size":1,"image_id":"` + id + `"}`, "", 400, "images"},
		"snapshot":              {`{"snapshot_id":"` + id + `"}`, "", 404, "snapshot " + id + " could not be found"},
		"snapshot no uuid":      {`{"snapshot_id":"x"}`, "", 400, "not a uuid"},
		"backup":                {`{"size":1,"backup_id":"` + id + `"}`, "3.47", 404, "backup"},
		"group":                 {`{"size":1,"group_id":"` + id + `"}`, "3.13", 404, "group"},
		"consistency group":     {`{"size":1,"consistencygroup_id":"` + id + `"}`, "", 404, "consistency group"},
		"source no uuid":        {`{"source_volid":"{` + id + `}"}`, "", 400, "not a uuid"},
		"two sources":           {`{"source_volid":"` + id + `","snapshot_id":"` + id + `"}`, "", 400, "exclude each other"},
		"unknown key from 3.53": {`{"size":1,"sice":2}`, "3.53", 400, "volume.sice is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			rig := apitest.New(t)
			a := rig.Do(t, "POST", volumes, `{"volume":`+c.body+`}`, apitest.Call{Version: c.version})
			word := map[int]string{400: "badRequest", 404: "itemNotFound", 413: "overLimit"}[c.code]
			require.Contains(t, a.Refused(c.code, word), c.says)
			require.Zero(t, rig.Store.VolumeCount())
			require.Empty(t, a.Header.Get("Clinker-Flow"))
		})
	}
}

func TestCreateVolumeDropsUnknownKeysBefore353(t *testing.T) {
	rig := apitest.New(t)
	// cinderclient sends these to this day.
	rig.Do(t, "POST", volumes, `{"volume":{"size":1,"status":"creating","attach_status":"detached","user_id":null,"source_replica":null,"backup_id":"x"},"more":1}`,
		apitest.Call{Version: "3.46"}).Is(202)
}

func TestCreateVolumeHints(t *testing.T) {
	rig := apitest.New(t)
	for _, hints := range []string{`{"same_host":"x"}`, `{"different_host":[1]}`, `{"local_to_instance":"x"}`, `[]`} {
		rig.Do(t, "POST", volumes, `{"volume":{"size":1},"OS-SCH-HNT:scheduler_hints":`+hints+`}`).Refused(400, "badRequest")
	}
}

func TestCreateVolumeOverQuota(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.Quota = 1
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`).Is(202)
	a := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`)
	require.Equal(t, "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.", a.Refused(413, "overLimit"))
	require.Equal(t, "0", a.Header.Get("Retry-After"))
	require.Equal(t, "0", a.At("overLimit", "retryAfter"))
}

func TestCreateVolumeFlowRefusals(t *testing.T) {
	for typ, c := range map[flow.ErrorType]struct {
		code int
		name string
	}{
		flow.ErrInvalid:       {400, "badRequest"},
		flow.ErrInvalidStatus: {400, "badRequest"},
		flow.ErrNotFound:      {404, "itemNotFound"},
		flow.ErrConflict:      {409, "conflictingRequest"},
		flow.ErrAbandoned:     {503, "serviceUnavailable"},
		flow.ErrMisconfigured: {500, "computeFault"},
	} {
		rig := apitest.New(t)
		rig.Engine.Refuse = &flow.Error{Type: typ, Message: "said so"}
		require.Contains(t, rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`).Refused(c.code, c.name), "said so")
	}
}

// The engine is away: the record is abandoned, the client is told when to come again.
func TestCreateVolumeEngineAway(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.Away = true
	a := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`)
	a.Refused(503, "serviceUnavailable")
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Equal(t, map[models.FlowState]int{models.FlowAbandoned: 1}, rig.Store.FlowStates())
	for _, f := range rig.Store.Flows {
		require.NotEmpty(t, f.Input, "reconcile can see what was asked for")
	}
}

// The flow is late: the API's record is first, and when the flow comes at last it makes nothing.
func TestCreateVolumeLateFlow(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.AcceptWait = 20 * time.Millisecond })
	rig.Engine.Delay = 200 * time.Millisecond
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`).Refused(503, "serviceUnavailable")
	rig.Engine.Close()
	require.Zero(t, rig.Store.VolumeCount())
	require.Equal(t, map[models.FlowState]int{models.FlowAbandoned: 1}, rig.Store.FlowStates())
}

// Only the answer is lost: the flow's record is first, so the volume is there and the client gets it.
func TestCreateVolumeLostAnswer(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.AcceptWait = 50 * time.Millisecond })
	rig.Engine.LoseAnswers = true
	a := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`).Is(202)
	require.Equal(t, 1, rig.Store.VolumeCount())
	require.NotEmpty(t, a.Header.Get("Clinker-Flow"))
	rig.Do(t, "GET", volumes+"/"+a.At("volume", "id").(string), nil).Is(200)
}

// Whoever wins the race, no volume is there that no client was told of, and none is missing.
func TestCreateVolumeRace(t *testing.T) {
	rig := apitest.New(t, func(o *api.Options) { o.AcceptWait = 10 * time.Millisecond })
	rig.Engine.Delay = 10 * time.Millisecond
	told := map[int]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 60 {
		group.Go(func() {
			a := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`)
			mu.Lock()
			defer mu.Unlock()
			told[a.Code]++
		})
	}
	group.Wait()
	rig.Engine.Close()
	require.Equal(t, 60, told[202]+told[503], told)
	require.Equal(t, told[202], rig.Store.VolumeCount())
	require.Equal(t, told[503], rig.Store.FlowStates()[models.FlowAbandoned])
}

func keyed(key string) apitest.Call {
	return apitest.Call{Header: map[string]string{"Idempotency-Key": key}}
}

func TestIdempotentBurst(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.Delay = 30 * time.Millisecond
	ids, flows := map[string]int{}, map[string]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			a := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k1"))
			mu.Lock()
			defer mu.Unlock()
			if a.Code != http.StatusAccepted {
				t.Errorf("answered %d: %s", a.Code, a.Body)
				return
			}
			ids[a.At("volume", "id").(string)]++
			flows[a.Header.Get("Clinker-Flow")]++
		})
	}
	group.Wait()
	require.Equal(t, 1, rig.Store.VolumeCount())
	require.Len(t, ids, 1)
	require.Len(t, flows, 1)
	require.Len(t, rig.Engine.Started, 1)
	require.Equal(t, "k1", rig.Engine.Started[0].Input.(flow.VolumeCreateInput).IdempotencyKey)
}

func TestIdempotencyKeys(t *testing.T) {
	rig := apitest.New(t)
	first := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("a")).Is(202)
	require.Contains(t, rig.Do(t, "POST", volumes, `{"volume":{"size":2}}`, keyed("a")).Refused(409, "conflictingRequest"), "another request")
	rig.Do(t, "POST", volumes, `{"volume":{"size":2}}`, keyed("b")).Is(202)
	again := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("a")).Is(202)
	require.Equal(t, first.At("volume", "id"), again.At("volume", "id"))
	require.Equal(t, first.Header.Get("Clinker-Flow"), again.Header.Get("Clinker-Flow"))
	require.Equal(t, 2, rig.Store.VolumeCount())

	// Keys belong to a project.
	other := keyed("a")
	other.Token = apitest.Other
	rig.Do(t, "POST", "/v3/volumes", `{"volume":{"size":9}}`, other).Is(202)

	// What a key made and somebody deleted is not made again unasked.
	rig.Do(t, "DELETE", volumes+"/"+first.At("volume", "id").(string), nil).Is(400)
	delete(rig.Store.Volumes, first.At("volume", "id").(string))
	require.Contains(t, rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("a")).Refused(409, "conflictingRequest"), "deleted")

	for _, bad := range []string{strings.Repeat("x", 256), "a\tb", "ä"} {
		rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed(bad)).Refused(400, "badRequest")
	}
}

func TestRefusedRequestReleasesItsKey(t *testing.T) {
	rig := apitest.New(t)
	rig.Engine.Refuse = &flow.Error{Type: flow.ErrInvalid, Message: "no"}
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Is(400)
	require.Empty(t, rig.Store.Keys)
	rig.Engine.Set(func(e *apitest.Engine) { e.Refuse, e.Away = nil, true })
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Is(503)
	require.Empty(t, rig.Store.Keys)
	rig.Engine.Set(func(e *apitest.Engine) { e.Away = false })
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Is(202)
}

// The API process that took the key died before its flow began: after a while an equal request takes the key over,
// and the dead one's flow can't begin any more.
func TestKeyOfADeadProcess(t *testing.T) {
	clock := time.Now()
	rig := apitest.New(t, func(o *api.Options) {
		o.Now = func() time.Time { return clock }
		o.AcceptWait = 50 * time.Millisecond
	})
	dead := flow.ID(flow.VolumeCreate, uuidOf(1), uuidOf(2))
	first := rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Is(202)
	key := rig.Store.Keys[apitest.Project+"/k"]
	delete(rig.Store.Volumes, first.At("volume", "id").(string))
	key.FlowID, key.ResourceID = dead, uuidOf(1)
	rig.Store.Keys[apitest.Project+"/k"] = key

	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Refused(503, "serviceUnavailable")
	clock = clock.Add(time.Minute)
	rig.Do(t, "POST", volumes, `{"volume":{"size":1}}`, keyed("k")).Is(202)
	require.Equal(t, models.FlowAbandoned, rig.Store.Flows[dead].State)
	require.Equal(t, 1, rig.Store.VolumeCount())
}

func pairs(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
