package identity

import (
	"context"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// Entry is a service of the catalogue with where it is.
type Entry struct {
	Service   models.IdentityService
	Endpoints []models.IdentityEndpoint // their URLs with the project put in
}

// Catalog is what a token's holder can reach. Endpoints whose URL has a project in it are left out for tokens without one.
func (s *Service) Catalog(ctx context.Context, t Token) ([]Entry, error) {
	services, err := List[models.IdentityService](ctx, s, map[string]any{"enabled": true})
	if err != nil {
		return nil, err
	}
	endpoints, err := List[models.IdentityEndpoint](ctx, s, map[string]any{"enabled": true})
	if err != nil {
		return nil, err
	}
	out := []Entry{}
	for _, service := range services {
		e := Entry{Service: service}
		for _, p := range endpoints {
			if p.ServiceID != service.ID {
				continue
			}
			for _, name := range []string{"project_id", "tenant_id"} {
				for _, form := range []string{"$(" + name + ")s", "%(" + name + ")s"} {
					if t.Project.ID != "" {
						p.URL = strings.ReplaceAll(p.URL, form, t.Project.ID)
					}
				}
			}
			if !strings.Contains(p.URL, "$(") && !strings.Contains(p.URL, "%(") {
				e.Endpoints = append(e.Endpoints, p)
			}
		}
		if len(e.Endpoints) > 0 {
			out = append(out, e)
		}
	}
	return out, nil
}
