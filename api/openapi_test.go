package api_test

import (
	"net/http"
	"sort"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/api/openapitest"
)

// Every route is described, and everything that is described is routed.
func TestRoutesAreThoseOfTheDescription(t *testing.T) {
	engine := api.New(api.Options{Auth: middleware.NoAuth{}}).(*middleware.Entry).Next.(*gin.Engine)
	var routed []string
	for _, r := range engine.Routes() {
		routed = append(routed, r.Method+" "+openapitest.Shape(r.Path))
	}
	sort.Strings(routed)
	described, err := openapitest.Operations()
	require.NoError(t, err)
	require.Contains(t, routed, http.MethodGet+" /v3/volumes/{}", "the walk finds routes at all")
	require.Equal(t, described, routed)
}
