package v3_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/models"
)

// documented reads docs/policy.md: the default of every operation, in its one word.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/policy.md")
	require.NoError(t, err)
	words := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (reader|member|admin|everybody) \\|").FindAllStringSubmatch(string(text), -1) {
		words[m[1]] = m[2]
	}
	require.Greater(t, len(words), 100)
	return words
}

// TestMatrix asks every route as everybody, and wants what docs/policy.md says: who has no token is told so, who is in another project finds
// nothing, who may not is forbidden, and nobody else is. It never says that a thing of another project is there.
func TestMatrix(t *testing.T) {
	words := documented(t)
	const id, theirs = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "0123456789abcdef0123456789abcdef"
	callers := map[string]struct {
		token string
		may   []string // the words whose operations are allowed in the caller's own project
	}{
		"nobody":  {"", nil},
		"service": {"nova:" + apitest.Project + ":service", []string{"everybody"}},
		"reader":  {"rita:" + apitest.Project + ":reader", []string{"everybody", "reader"}},
		"member":  {apitest.Member, []string{"everybody", "reader", "member"}},
		"admin":   {apitest.Admin, []string{"everybody", "reader", "member", "admin"}},
		"other":   {"otto:" + theirs + ":member", []string{"everybody", "reader", "member"}},
	}
	store := apitest.NewStore()
	engine := apitest.NewEngine(store)
	t.Cleanup(engine.Close)
	o := api.Options{Auth: apitest.Tokens{}}
	o.Store, o.Starter, o.Flows = store, engine, engine
	o.NodeWait, o.AcceptWait = 50*time.Millisecond, 50*time.Millisecond
	h := api.New(o)
	asked := 0
	for _, r := range v3.New(v3.Deps{}).Routes() {
		path := r.Path
		for part := range strings.SplitSeq(r.Path, "/") {
			if strings.HasPrefix(part, ":") {
				path = strings.Replace(path, part, id, 1)
			}
		}
		if r.Rule == "" {
			continue // by action: TestPolicyDecidesWhoMay
		}
		quota := strings.HasPrefix(path, "/os-quota-sets/") // of the project in the path, whose id the caller has to know
		if quota {
			path = strings.Replace(path, id, apitest.Project, 1)
		}
		there := slices.ContainsFunc([]string{"/volumes/", "/snapshots/", "/backups/", "/backup-schedules/", "/messages/"}, func(kind string) bool { return strings.HasPrefix(path, kind+id) })
		for name, c := range callers {
			store.Put(models.Volume{ID: id, ProjectID: apitest.Project, Name: "hidden-name", Status: models.VolumeError, SizeGiB: 1})
			store.PutSnapshot(models.Snapshot{ID: id, ProjectID: apitest.Project, VolumeID: id, Name: "hidden-name", Status: models.SnapshotError, SizeGiB: 1})
			store.PutBackup(models.Backup{ID: id, ProjectID: apitest.Project, VolumeID: id, Name: "hidden-name", Status: models.BackupError})
			store.Schedules = map[string]models.BackupSchedule{id: {ID: id, ProjectID: apitest.Project, VolumeID: id, Name: "hidden-name", Cron: "0 0 * * *", TimeZone: "UTC"}}
			store.Messages = []models.Message{{ID: id, ProjectID: apitest.Project, ResourceID: id, UserMessage: "hidden-name"}}
			store.Flows = map[string]models.Flow{id: {ID: id, ProjectID: apitest.Project, ResourceID: id, Summary: "hidden-name", State: models.FlowFailure}}
			req := httptest.NewRequest(r.Method, "/v3"+path, strings.NewReader("{}"))
			req.Header.Set("X-Auth-Token", c.token)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("OpenStack-API-Version", "volume 3.71")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			asked++
			at := name + ": " + r.Method + " " + path + ": " + rec.Body.String()
			may := false
			for _, word := range c.may {
				may = may || word == words[r.Rule]
			}
			may = may && (!quota || name != "other")
			require.Contains(t, words, r.Rule, at)
			switch {
			case c.token == "":
				require.Equal(t, http.StatusUnauthorized, rec.Code, at)
			case name == "other" && there:
				require.Equal(t, http.StatusNotFound, rec.Code, at)
			case may:
				require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, rec.Code, at)
			case r.Of != nil && !there:
				require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, rec.Code, at)
			default:
				require.Equal(t, http.StatusForbidden, rec.Code, at)
			}
			if name == "other" {
				require.NotContains(t, rec.Body.String(), "hidden-name", at)
				require.NotContains(t, rec.Body.String(), apitest.Project, at)
			}
		}
	}
	require.Greater(t, asked, 300)

	// What a list could be asked to find it by.
	for _, query := range []string{
		"?marker=" + id, "?name=hidden-name", "?all_tenants=1", "?all_tenants=1&project_id=" + apitest.Project, "?sort=project_id:asc", "?name~=hidden",
		"?metadata={}", "?with_count=true", "?offset=0&limit=1", "?status=error",
	} {
		for _, list := range []string{
			"/volumes", "/volumes/detail", "/snapshots", "/snapshots/detail", "/backups", "/backups/detail", "/backup-schedules", "/messages", "/flows",
		} {
			req := httptest.NewRequest(http.MethodGet, "/v3"+list+query, nil)
			req.Header.Set("X-Auth-Token", callers["other"].token)
			req.Header.Set("OpenStack-API-Version", "volume 3.71")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			require.Contains(t, []int{200, 400, 404}, rec.Code, list+query)
			body := strings.ReplaceAll(rec.Body.String(), "marker "+id, "") // what was asked may come back
			for _, hidden := range []string{"hidden-name", `"id":"` + id, apitest.Project} {
				require.NotContains(t, body, hidden, list+query)
			}
			require.NotContains(t, body, `"count":1`, list+query)
		}
	}
}
