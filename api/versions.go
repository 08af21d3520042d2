package api

import (
	"github.com/gin-gonic/gin"

	"github.com/clinker-storage/clinker/api/microversion"
	v3 "github.com/clinker-storage/clinker/api/v3"
)

type versionList struct {
	Versions []version `json:"versions"`
}

type version struct {
	ID         string      `json:"id"`
	Status     string      `json:"status"`
	Version    string      `json:"version"`
	MinVersion string      `json:"min_version"`
	Updated    string      `json:"updated"`
	Links      []v3.Link   `json:"links"`
	MediaTypes []mediaType `json:"media-types"`
}

type mediaType struct {
	Base string `json:"base"`
	Type string `json:"type"`
}

// versions answers what is spoken; clients read version and min_version before they choose a microversion.
// GET / says 300 because it is a choice, GET /v3 says 200, both with the same document.
func versions(status int, s v3.Settings) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Vary", microversion.Header)
		c.Header(microversion.Header, "volume "+microversion.Max.String())
		c.JSON(status, versionList{Versions: []version{{
			ID: "v3.0", Status: "CURRENT", Version: microversion.Max.String(), MinVersion: microversion.Min.String(),
			Updated: "2024-02-22T00:00:00Z", // when 3.71 came
			Links: []v3.Link{
				{Rel: "describedby", Href: "https://docs.openstack.org/"},
				{Rel: "self", Href: v3.Base(s, c.Request) + "/v3/"},
			},
			MediaTypes: []mediaType{{Base: "application/json", Type: "application/vnd.openstack.volume+json;version=3"}},
		}}})
	}
}
