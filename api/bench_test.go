package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/models"
)

// These measure the API itself: routing, checks, views, JSON. The catalogue is in memory.
func bench(b *testing.B, path string, rows int) {
	store := apitest.NewStore()
	for i := range rows {
		store.Put(models.Volume{
			ID: uuidOf(i + 1), UserID: "mia", Name: "volume", Description: "a volume", Host: "h@lvm#pool", AvailabilityZone: "nova",
			Metadata: map[string]string{"a": "1", "b": "2"},
		})
	}
	o := api.Options{Auth: apitest.Tokens{}, Log: slog.New(slog.NewJSONHandler(discard{}, nil))}
	o.Store = store
	h := api.New(o)
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest("GET", path, nil)
		req.Header.Set("X-Auth-Token", apitest.Member)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Code, rec.Body)
		}
	}
}

func BenchmarkShowVolume(b *testing.B)      { bench(b, volumes+"/"+uuidOf(1), 1) }
func BenchmarkListThousand(b *testing.B)    { bench(b, volumes+"/detail", 1000) }
func BenchmarkListOneOfFew(b *testing.B)    { bench(b, volumes+"/detail?limit=1", 3) }
func BenchmarkVersionChoice(b *testing.B)   { benchAny(b, "/", http.StatusMultipleChoices) }
func BenchmarkUnknownResource(b *testing.B) { benchAny(b, "/v3/nothing/at/all", http.StatusNotFound) }

func benchAny(b *testing.B, path string, code int) {
	h := api.New(api.Options{Auth: apitest.Tokens{}})
	for b.Loop() {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != code {
			b.Fatal(rec.Code)
		}
	}
}

// discard takes log lines like a file does, without one.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
