package v3_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/models"
)

func messageID(n int) string { return fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", n) }

// someMessages are three of the project, each a minute younger than the one before, and one of another.
func someMessages() *apitest.Operators {
	o := &apitest.Operators{}
	for n, volume := range []string{"v1", "v2", "v1", "v4"} {
		m := models.Message{
			ID: messageID(n + 1), ProjectID: project, EventID: "VOLUME_VOLUME_001_003", UserMessage: "no pool fits", Level: "ERROR",
			RequestID: "req-1", ResourceType: "VOLUME", ResourceID: volume, CreatedAt: now.Add(time.Duration(n) * time.Minute),
			ExpiresAt: now.AddDate(0, 1, 0),
		}
		if n == 3 {
			m.ProjectID = other
		}
		o.Messages = append(o.Messages, m)
	}
	return o
}

func TestListMessages(t *testing.T) {
	h := serve(t, someMessages())
	tests := []struct {
		name, who, version, query string
		want                      []int
	}{
		{name: "newest first", version: "3.3", want: []int{3, 2, 1}},
		{name: "paging before 3.5 is passed over", version: "3.4", query: "?limit=1&resource_uuid=v2", want: []int{3, 2, 1}},
		{name: "a page", version: "3.5", query: "?limit=1&marker=" + messageID(3), want: []int{2}},
		{name: "sorted", version: "3.5", query: "?sort=resource_uuid:asc,created_at:asc", want: []int{1, 3, 2}},
		{name: "of a resource", version: "3.5", query: "?resource_uuid=v1", want: []int{3, 1}},
		{name: "two filters", version: "3.5", query: "?resource_uuid=v1&message_level=WARN", want: nil},
		{name: "as cinderclient asks after an error", version: "3.70", query: "?request_id=req-1", want: []int{3, 2, 1}},
		{name: "a user's unknown filter before 3.31", who: user, version: "3.30", query: "?colour=red", want: []int{3, 2, 1}},
		{name: "an admin's unknown filter", version: "3.31", query: "?colour=red", want: []int{3, 2, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := exchange{who: tt.who, version: tt.version, path: "/messages" + tt.query, status: 200}.run(t, h)
			var got struct{ Messages []struct{ ID string } }
			decode(t, w, &got)
			var want, ids []string
			for _, n := range tt.want {
				want = append(want, messageID(n))
			}
			for _, m := range got.Messages {
				ids = append(ids, m.ID)
			}
			require.Equal(t, want, ids)
		})
	}
	runAll(t, h, []exchange{
		{name: "before 3.3", version: "3.2", path: "/messages", status: 404},
		{name: "link to the next page", version: "3.5", path: "/messages?limit=2", status: 200, has: []string{`"messages_links":[{"rel":"next"`, "marker=" + messageID(2)}},
		{name: "a user's unknown filter", who: user, version: "3.31", path: "/messages?colour=red", status: 400, has: []string{"colour"}},
		{name: "unknown marker", version: "3.5", path: "/messages?marker=" + messageID(4), status: 404},
		{name: "bad limit", version: "3.5", path: "/messages?limit=x", status: 400},
	})
}

func TestMessage(t *testing.T) {
	o := someMessages()
	h := serve(t, o)
	mine, others := "/messages/"+messageID(1), "/messages/"+messageID(4)
	link := "http://example.com/v3/" + project + mine
	bookmark := "http://example.com/" + project + mine
	runAll(t, h, []exchange{
		{name: "show", who: user, path: mine, status: 200, want: `{"message":{"id":"` + messageID(1) + `","event_id":"VOLUME_VOLUME_001_003",
			"user_message":"no pool fits","message_level":"ERROR","created_at":"2026-03-04T05:06:07.890000","guaranteed_until":"2026-04-04T05:06:07.890000",
			"request_id":"req-1","resource_type":"VOLUME","resource_uuid":"v1",
			"links":[{"rel":"self","href":"` + link + `"},{"rel":"bookmark","href":"` + bookmark + `"}]}}`},
		{name: "another's", who: user, path: others, status: 404},
		{name: "another's for an admin", path: others, status: 200},
		{name: "delete another's", who: user, method: "DELETE", path: others, status: 404},
		{name: "delete", who: user, method: "DELETE", path: mine, status: 204, wantNoneOfBody: true},
		{name: "deleted already", who: user, method: "DELETE", path: mine, status: 404, has: []string{"Message " + messageID(1) + " could not be found."}},
	}, func(e *exchange) { e.version = "3.3" })
	require.Len(t, o.Messages, 3)
}

func TestResourceFilters(t *testing.T) {
	runAll(t, serve(t, &apitest.Operators{}), []exchange{
		{name: "before 3.33", version: "3.32", path: "/resource_filters", status: 404},
		{name: "all", who: user, version: "3.33", path: "/resource_filters", status: 200, has: []string{`"resource":"volume"`, `"resource":"message"`, `"resource":"pool"`}},
		{name: "one", version: "3.33", path: "/resource_filters?resource=pool", status: 200, want: `{"resource_filters":[{"resource":"pool","filters":["name","volume_type"]}]}`},
		{name: "none", version: "3.33", path: "/resource_filters?resource=x", status: 200, want: `{"resource_filters":[]}`},
	})
}

func TestExtensions(t *testing.T) {
	h := serve(t, &apitest.Operators{})
	w := exchange{who: user, path: "/extensions", status: 200}.run(t, h)
	var got struct{ Extensions []struct{ Alias string } }
	decode(t, w, &got)
	require.GreaterOrEqual(t, len(got.Extensions), 17)
	for _, e := range got.Extensions {
		exchange{path: "/extensions/" + e.Alias, status: 200, has: []string{`{"extension":{"alias":"` + e.Alias + `"`}}.run(t, h)
	}
	exchange{path: "/extensions/os-floppies", status: 404, has: []string{"Extension os-floppies could not be found."}}.run(t, h)
}
