package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const backend = "node1@dir"

// scenario brings one flow to one point.
type scenario struct {
	name     string
	op       flow.Operation
	fail     map[string]int            // so many calls of a task fail
	as       map[string]flow.ErrorType // with this; Unavailable otherwise
	words    []string                  // updates to send, each once the flow is held
	waits    string                    // where it is left; "" lets it end
	nodeAway bool
}

func scenarios() []scenario {
	const always = 1000
	return []scenario{
		{name: "create-success", op: flow.VolumeCreate},
		{name: "create-refused", op: flow.VolumeCreate, fail: map[string]int{flow.TaskQuotaReserve: 1}, as: map[string]flow.ErrorType{flow.TaskQuotaReserve: flow.ErrOverQuota}},
		{name: "create-no-backend", op: flow.VolumeCreate, fail: map[string]int{flow.TaskVolumeCast: 1}, as: map[string]flow.ErrorType{flow.TaskVolumeCast: flow.ErrNoBackend}},
		{name: "create-waits-for-database", op: flow.VolumeCreate, fail: map[string]int{flow.TaskQuotaCommit: always}, waits: flow.TaskQuotaCommit},
		{name: "create-waits-for-node", op: flow.VolumeCreate, nodeAway: true, waits: flow.TaskCreateVolume},
		{name: "create-held", op: flow.VolumeCreate, fail: full, as: noSpace, waits: "timer"},
		{name: "create-held-retried", op: flow.VolumeCreate, fail: full, as: noSpace, words: []string{flow.UpdateRetry}},
		{name: "create-held-aborted", op: flow.VolumeCreate, fail: full, as: noSpace, words: []string{flow.UpdateAbort}},
		{name: "delete-success", op: flow.VolumeDelete},
		{name: "delete-waits-for-node", op: flow.VolumeDelete, nodeAway: true, waits: flow.TaskDeleteVolume},
		{name: "delete-held", op: flow.VolumeDelete, fail: map[string]int{flow.TaskDeleteVolume: always}, waits: "timer"},
		{name: "delete-held-aborted", op: flow.VolumeDelete, fail: map[string]int{flow.TaskDeleteVolume: always}, words: []string{flow.UpdateAbort}},
		{name: "extend-success", op: flow.VolumeExtend},
		{name: "extend-waits-for-node", op: flow.VolumeExtend, nodeAway: true, waits: flow.TaskExtendVolume},
		{name: "extend-held", op: flow.VolumeExtend, fail: map[string]int{flow.TaskExtendVolume: 1}, as: map[string]flow.ErrorType{flow.TaskExtendVolume: flow.ErrNoSpace}, waits: "timer"},
		{name: "extend-held-aborted", op: flow.VolumeExtend, fail: map[string]int{flow.TaskExtendVolume: 1}, as: map[string]flow.ErrorType{flow.TaskExtendVolume: flow.ErrNoSpace}, words: []string{flow.UpdateAbort}},
	}
}

var (
	full    = map[string]int{flow.TaskCreateVolume: 1, flow.TaskVolumeCast: 0}
	noSpace = map[string]flow.ErrorType{flow.TaskCreateVolume: flow.ErrNoSpace}
)

func (s scenario) start() flow.Start {
	h := flow.Header{
		RequestID: "req-5f0c5d3c-1f0b-4a52-8f7e-6a4b7f7b0001", ProjectID: "demo", UserID: "admin",
		ResourceID: "6e1ad0a1-32b4-4a30-9d39-6a0a7b3c9c11", HoldHours: 72, Summary: string(s.op) + " volume db01",
		AcceptBy: time.Now().Add(time.Hour).UTC(),
	}
	// Each scenario is a request of its own, as on one volume in a row.
	h.FlowID = flow.ID(s.op, h.ResourceID, h.RequestID+"-"+s.name)
	st := flow.Start{Operation: s.op, Kind: "volume"}
	storage := models.StorageVolume{ID: h.ResourceID, Name: "volume-" + h.ResourceID, Size: models.FromGiB(10)}
	switch s.op {
	case flow.VolumeCreate:
		h.Tasks = flow.VolumeCreateTasks()
		st.Input = flow.VolumeCreateInput{Header: h, Name: "db01", SizeGiB: 10, MaxAttempts: 3}
	case flow.VolumeDelete:
		h.Tasks = flow.VolumeDeleteTasks()
		st.Input = flow.VolumeDeleteInput{Header: h, Volume: storage, Host: backend + "#dir"}
	default:
		h.Tasks = flow.VolumeExtendTasks()
		st.Input = flow.VolumeExtendInput{Header: h, NewSizeGiB: 15}
	}
	st.Header = h
	return st
}

// activities answer as the real ones do, as far as the workflows look at it.
func (s scenario) activities() map[string]any {
	var mu sync.Mutex
	left := map[string]int{}
	for task, n := range s.fail {
		left[task] = n
	}
	volume := models.Volume{ID: "6e1ad0a1-32b4-4a30-9d39-6a0a7b3c9c11", Name: "db01", SizeGiB: 10, Status: models.VolumeAvailable, Host: backend + "#dir"}
	quota := []models.QuotaDelta{{Resource: models.QuotaGigabytes, Delta: 10}}
	results := map[string]any{
		flow.TaskExtractVolumeRequest: flow.VolumeSpec{Volume: volume, Quota: quota},
		flow.TaskExtractExtendRequest: flow.ExtendSpec{Volume: volume, Quota: quota},
		flow.TaskEntryCreate:          flow.VolumeResult{Volume: volume},
		flow.TaskEntryExtend:          flow.VolumeResult{Volume: volume},
		flow.TaskVolumeCast:           flow.VolumeCastResult{Pool: backend + "#dir", Candidates: []string{backend + "#dir"}, StorageName: "volume-" + volume.ID},
	}
	out := map[string]any{}
	for _, task := range []string{
		flow.TaskExtractVolumeRequest, flow.TaskExtractExtendRequest, flow.TaskQuotaReserve, flow.TaskEntryCreate, flow.TaskEntryExtend,
		flow.TaskQuotaCommit, flow.TaskVolumeCast, flow.TaskCreateVolume, flow.TaskEntryReady, flow.TaskDeleteVolume, flow.TaskEntryDestroy,
		flow.TaskExtendVolume, flow.TaskEntryExtended, flow.TaskQuotaRollback, flow.TaskFlowHold, flow.TaskFlowResume, flow.TaskFlowEnd,
	} {
		out[task] = func(_ context.Context, in map[string]any) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			if left[task]--; left[task] >= 0 {
				t := s.as[task]
				if t == "" {
					t = flow.ErrUnavailable
				}
				return nil, wire.Error(&flow.Error{Type: t, Message: fmt.Sprintf("%s fails as planned", task), Hint: "none"})
			}
			if attempted, _ := in["attempted"].([]any); task == flow.TaskVolumeCast && len(attempted) > 0 {
				return nil, wire.Error(&flow.Error{Type: flow.ErrNoBackend, Message: "every pool was tried"})
			}
			return results[task], nil
		}
	}
	return out
}
