package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/models"
)

// Names of what is there from the start.
const (
	DefaultDomain  = "default" // the id; its name is Default
	AdminUser      = "admin"
	AdminProject   = "admin"
	ServiceProject = "service"
	DemoProject    = "demo"
	Region         = "RegionOne"
)

// firstRoles imply the next of them, from admin on; service stands for itself.
var firstRoles = []string{"admin", "manager", "member", "reader"}

// Bootstrap makes what nobody could log in without: a domain, the roles, three projects, and the user admin, whose random password it
// returns. keep gets it first, so that it isn't lost if the process dies. Where there is a user already it makes nothing and returns "".
// It may be called again after it was cut off.
func (s *Service) Bootstrap(ctx context.Context, keep func(password string) error) (password string, err error) {
	users, err := List[models.IdentityUser](ctx, s, nil)
	if err != nil || len(users) > 0 {
		return "", err
	}
	if err := s.bootstrapKey(ctx); err != nil {
		return "", err
	}
	if err := s.add(ctx, &models.IdentityDomain{ID: DefaultDomain, Name: "Default", Description: "The default domain", Enabled: true, CreatedAt: s.now()}); err != nil {
		return "", err
	}
	admin, err := s.bootstrapRoles(ctx)
	if err != nil {
		return "", err
	}
	var projects []string
	for name, about := range map[string]string{AdminProject: "Administrators", ServiceProject: "Services", DemoProject: "A project to try things in"} {
		if err := s.add(ctx, &models.IdentityProject{ID: NewID(), DomainID: DefaultDomain, Name: name, Description: about, Enabled: true, CreatedAt: s.now()}); err != nil {
			return "", err
		}
		p, err := named[models.IdentityProject](ctx, s, map[string]any{"domain_id": DefaultDomain, "name": name})
		if err != nil {
			return "", err
		}
		if name != ServiceProject {
			projects = append(projects, p.ID)
		}
	}
	password = rand.Text()
	hash, err := HashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	user := models.IdentityUser{ID: NewID(), DomainID: DefaultDomain, Name: AdminUser, Enabled: true, PasswordHash: hash, PasswordAt: s.now(), CreatedAt: s.now()}
	// The grants come first: a user without them would look like a bootstrap that is done.
	grants := []models.IdentityAssignment{{UserID: user.ID, Scope: models.GrantSystem, ScopeID: models.WholeSystem, RoleID: admin}}
	for _, p := range projects {
		grants = append(grants, models.IdentityAssignment{UserID: user.ID, Scope: models.GrantProject, ScopeID: p, RoleID: admin})
	}
	for _, g := range grants {
		if err := Ensure(ctx, s, g); err != nil {
			return "", err
		}
	}
	if err := keep(password); err != nil {
		return "", err
	}
	if err := Create(ctx, s, &user); err != nil {
		if errors.Is(err, models.ErrExists) {
			return "", nil // another process was faster
		}
		return "", err
	}
	return password, nil
}

// add writes a row unless one of its name is there.
func (s *Service) add(ctx context.Context, row any) error {
	err := s.store.CreateIdentity(ctx, row)
	if errors.Is(err, models.ErrExists) {
		return nil
	}
	return err
}

func (s *Service) bootstrapKey(ctx context.Context) error {
	keys, err := List[models.IdentityKey](ctx, s, nil)
	if err != nil || len(keys) > 0 {
		return err
	}
	return s.RotateKey(ctx)
}

// bootstrapRoles makes the roles and what they imply, and returns the id of admin.
func (s *Service) bootstrapRoles(ctx context.Context) (admin string, err error) {
	var before string
	for _, name := range append(firstRoles[:len(firstRoles):len(firstRoles)], "service") {
		if err := s.add(ctx, &models.IdentityRole{ID: NewID(), Name: name, CreatedAt: s.now()}); err != nil {
			return "", err
		}
		role, err := named[models.IdentityRole](ctx, s, map[string]any{"name": name})
		if err != nil {
			return "", err
		}
		switch {
		case name == firstRoles[0]:
			admin = role.ID
		case name != "service":
			if err := Ensure(ctx, s, models.IdentityImplication{PriorID: before, ImpliedID: role.ID}); err != nil {
				return "", err
			}
		}
		before = role.ID
	}
	return admin, nil
}

// Advertise puts this service and block storage into the catalogue, at the address base, where they are looked for by their ids.
// Whoever wants other addresses in the catalogue adds endpoints and disables these.
func (s *Service) Advertise(ctx context.Context, base string) error {
	volumes := base + "/v3/$(project_id)s"
	for _, e := range []struct{ id, kind, name, url string }{
		{"identity", "identity", "clinker-identity", base + "/identity/v3"},
		{"block-storage", "block-storage", "clinker", volumes},
		// What python-cinderclient and older SDKs look for.
		{"volumev3", "volumev3", "cinderv3", volumes},
	} {
		service := models.IdentityService{ID: e.id, Type: e.kind, Name: e.name, Enabled: true, CreatedAt: s.now()}
		if err := Ensure(ctx, s, service); err != nil {
			return err
		}
		for _, side := range []string{"public", "internal", "admin"} {
			id := e.id + "-" + side
			row := models.IdentityEndpoint{ID: id, ServiceID: e.id, Interface: side, Region: Region, URL: e.url, Enabled: true, CreatedAt: s.now()}
			if err := Ensure(ctx, s, row); err != nil {
				return err
			}
			if _, err := Edit(ctx, s, id, func(p *models.IdentityEndpoint) error { p.URL = e.url; return nil }); err != nil {
				return fmt.Errorf("endpoint %s: %w", id, err)
			}
		}
	}
	return nil
}
