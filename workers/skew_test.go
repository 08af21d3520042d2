package workers

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"

	"github.com/clinker-storage/clinker/activities"
)

// steps are the structs whose methods are activities.
func steps() []any {
	return []any{
		&activities.Requests{}, &activities.Quota{}, &activities.Records{}, &activities.Placement{}, &activities.Volumes{},
		&activities.Snapshots{}, &activities.Adoption{}, &activities.Connections{}, &activities.Copies{}, &activities.Backups{},
		&activities.BackupPlacement{}, &activities.Host{}, &activities.Checks{}, &activities.Compute{}, &activities.Schedules{},
	}
}

// TestVersionSkew holds what control and storage workers tell each other to what they told each other in earlier releases: a node may be
// a release ahead of the controller, or behind. What an earlier one said is understood to the last field; what is said in its place today has
// all of those fields, with the same values, so that the earlier one understands it too: it passes over fields that it does not know.
// workflows: TestReplay has the same histories replayed.
func TestVersionSkew(t *testing.T) {
	methods := map[string]reflect.Type{}
	for _, s := range steps() {
		v := reflect.ValueOf(s)
		for i := range v.NumMethod() {
			methods[v.Type().Method(i).Name] = v.Method(i).Type()
		}
	}
	files, err := filepath.Glob("../workflows/testdata/histories/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	inputs, results := map[string]int{}, map[string]int{}
	for _, path := range files {
		f, err := os.Open(path)
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		asked := map[int64]string{} // activity by the event that scheduled it
		for _, e := range history.GetEvents() {
			if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
				name := a.GetActivityType().GetName()
				m, known := methods[name]
				require.True(t, known, "%s: there is no activity %s any more; a flow of the release before waits for it", path, name)
				asked[e.GetEventId()] = name
				for i, p := range a.GetInput().GetPayloads() {
					understood(t, path+": input of "+name, p, m.In(i+1)) // the first is the context
					inputs[name]++
				}
			}
			if a := e.GetActivityTaskCompletedEventAttributes(); a != nil {
				name := asked[a.GetScheduledEventId()]
				for i, p := range a.GetResult().GetPayloads() {
					understood(t, path+": result of "+name, p, methods[name].Out(i))
					results[name]++
				}
			}
		}
	}
	require.NotZero(t, inputs["CreateVolume"])
	require.NotZero(t, results["VolumeCast"])
}

// understood wants a payload to fit into a type without a rest, and to be part of what that type says again.
func understood(t *testing.T, what string, p *commonpb.Payload, as reflect.Type) {
	t.Helper()
	if string(p.GetMetadata()["encoding"]) == "binary/null" {
		return
	}
	require.Equal(t, "json/plain", string(p.GetMetadata()["encoding"]), what)
	value := reflect.New(as)
	strict := json.NewDecoder(bytes.NewReader(p.GetData()))
	strict.DisallowUnknownFields()
	require.NoError(t, strict.Decode(value.Interface()), what)
	again, err := json.Marshal(value.Interface())
	require.NoError(t, err)
	var before, now any
	require.NoError(t, json.Unmarshal(p.GetData(), &before))
	require.NoError(t, json.Unmarshal(again, &now))
	if lost := missing("", before, now); lost != "" {
		t.Errorf("%s: %s is not said any more, or otherwise: %s, now %s", what, lost, p.GetData(), again)
	}
}

// missing names the first value of before that now does not have; "" for none.
func missing(path string, before, now any) string {
	switch b := before.(type) {
	case map[string]any:
		n, same := now.(map[string]any)
		if !same {
			return path
		}
		for key, value := range b {
			if lost := missing(path+"."+key, value, n[key]); lost != "" {
				return lost
			}
		}
		return ""
	case []any:
		n, same := now.([]any)
		if !same || len(n) != len(b) {
			return path
		}
		for i := range b {
			if lost := missing(path+"[]", b[i], n[i]); lost != "" {
				return lost
			}
		}
		return ""
	}
	if !reflect.DeepEqual(before, now) {
		return path + " "
	}
	return ""
}

func TestMissing(t *testing.T) {
	for name, c := range map[string]struct{ before, now, want string }{
		"the same":      {`{"a": [1, {"b": "x"}]}`, `{"a": [1, {"b": "x"}]}`, ""},
		"a field more":  {`{"a": 1}`, `{"a": 1, "b": 2}`, ""},
		"a field less":  {`{"a": {"b": 2}}`, `{"a": {}}`, ".a.b "},
		"another value": {`{"a": [1]}`, `{"a": [2]}`, ".a[] "},
		"another type":  {`{"a": {}}`, `{"a": 1}`, ".a"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, now any
			require.NoError(t, json.Unmarshal([]byte(c.before), &before))
			require.NoError(t, json.Unmarshal([]byte(c.now), &now))
			require.Equal(t, c.want, missing("", before, now))
		})
	}
}
