package identity

import (
	"net/http"
	"time"

	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

var domains = resource[models.IdentityDomain]{
	one: "domain", many: "domains", filters: map[string]string{"name": "name", "enabled": "enabled"},
	begin: func(*call) (models.IdentityDomain, error) {
		return models.IdentityDomain{ID: identity.NewID(), Enabled: true, CreatedAt: now()}, nil
	},
	read: func(_ *call, f fields, d *models.IdentityDomain, made bool) error {
		f.shortName("name", &d.Name, made)
		f.set("description", &d.Description)
		f.flag("enabled", &d.Enabled)
		return nil
	},
	view: func(d models.IdentityDomain) object {
		return object{"id": d.ID, "name": d.Name, "description": d.Description, "enabled": d.Enabled, "tags": []string{}, "options": object{}}
	},
	own: func(t identity.Token, id string) bool {
		return id == t.UserDomain.ID || id == t.ProjectDomain.ID || id == t.Domain.ID
	},
	link: func(d models.IdentityDomain) string { return d.ID },
	forbid: func(d models.IdentityDomain) error {
		if d.Enabled {
			return refuse(http.StatusForbidden, "Cannot delete a domain that is enabled, please disable it first.")
		}
		return nil
	},
}

var projects = resource[models.IdentityProject]{
	one: "project", many: "projects", filters: map[string]string{"name": "name", "domain_id": "domain_id", "enabled": "enabled"},
	begin: func(c *call) (models.IdentityProject, error) {
		return models.IdentityProject{ID: identity.NewID(), DomainID: c.homeDomain(), Enabled: true, CreatedAt: now()}, nil
	},
	read: func(c *call, f fields, p *models.IdentityProject, made bool) error {
		f.shortName("name", &p.Name, made)
		f.set("description", &p.Description)
		f.flag("enabled", &p.Enabled)
		if f.has("parent_id") && f.text("parent_id") != p.DomainID && f.text("parent_id") != f.text("domain_id") {
			return refuse(http.StatusBadRequest, "Projects within projects are not supported.")
		}
		return c.placed(f, &p.DomainID, made)
	},
	view: func(p models.IdentityProject) object {
		return object{
			"id": p.ID, "name": p.Name, "description": p.Description, "enabled": p.Enabled, "domain_id": p.DomainID, "parent_id": p.DomainID,
			"is_domain": false, "tags": []string{}, "options": object{},
		}
	},
	own:  func(t identity.Token, id string) bool { return id == t.Project.ID },
	link: func(p models.IdentityProject) string { return p.ID },
}

var users = resource[models.IdentityUser]{
	one: "user", many: "users", filters: map[string]string{"name": "name", "domain_id": "domain_id", "enabled": "enabled"},
	begin: func(c *call) (models.IdentityUser, error) {
		return models.IdentityUser{ID: identity.NewID(), DomainID: c.homeDomain(), Enabled: true, CreatedAt: now()}, nil
	},
	read: readUser,
	view: func(u models.IdentityUser) object {
		v := object{
			"id": u.ID, "name": u.Name, "description": u.Description, "enabled": u.Enabled, "domain_id": u.DomainID,
			"password_expires_at": nil, "options": object{},
		}
		if u.Email != "" {
			v["email"] = u.Email
		}
		if u.DefaultProjectID != "" {
			v["default_project_id"] = u.DefaultProjectID
		}
		return v
	},
	own:  func(t identity.Token, id string) bool { return id == t.User.ID },
	link: func(u models.IdentityUser) string { return u.ID },
}

func readUser(c *call, f fields, u *models.IdentityUser, made bool) error {
	f.name("name", &u.Name, made)
	f.set("description", &u.Description)
	f.set("email", &u.Email)
	f.set("default_project_id", &u.DefaultProjectID)
	was := u.Enabled
	f.flag("enabled", &u.Enabled)
	if was && !u.Enabled {
		u.TokensAfter = now() // enabling the user again must not bring old tokens back
	}
	if err := c.placed(f, &u.DomainID, made); err != nil {
		return err
	}
	if !f.has("password") || *f.err != nil {
		return nil
	}
	if c.hash == "" {
		hash, err := identity.HashPassword(c.Request.Context(), f.secret("password"))
		if err != nil {
			return refuse(http.StatusBadRequest, "%s.", err)
		}
		c.hash = hash
	}
	u.PasswordHash, u.PasswordAt = c.hash, now()
	if !made {
		u.TokensAfter = u.PasswordAt
	}
	return nil
}

// changePassword is for the user alone, or for an administrator; either must know the old one.
func changePassword(c *call) error {
	if c.Param("id") != c.token.User.ID && !c.token.Admin() {
		return errForbidden
	}
	f, err := c.body("user")
	if err != nil {
		return err
	}
	old, fresh := f.secret("original_password"), f.secret("password")
	if old == "" || fresh == "" {
		f.fail("password", "given with original_password")
	}
	if *f.err != nil {
		return *f.err
	}
	if err := c.s.People.SetPassword(c.Request.Context(), c.Param("id"), old, fresh, middleware.From(c.Request.Context()).Address, false); err != nil {
		return err
	}
	return c.empty()
}

// homeDomain is where new things belong that name no domain: that of the caller's token.
func (c *call) homeDomain() string {
	switch {
	case c.token.Domain.ID != "":
		return c.token.Domain.ID
	case c.token.ProjectDomain.ID != "":
		return c.token.ProjectDomain.ID
	}
	return c.token.UserDomain.ID
}

// placed reads domain_id, which stays what it was made with.
func (c *call) placed(f fields, domain *string, made bool) error {
	if !f.has("domain_id") {
		return nil
	}
	id := f.text("domain_id")
	if !made && id != *domain {
		return refuse(http.StatusBadRequest, "domain_id can't be changed.")
	}
	*domain = id
	_, err := identity.Get[models.IdentityDomain](c.Request.Context(), c.s.People, id)
	return err // 404, where `in` says 400, as at Keystone
}

var roles = resource[models.IdentityRole]{
	one: "role", many: "roles", filters: map[string]string{"name": "name"},
	begin: func(*call) (models.IdentityRole, error) {
		return models.IdentityRole{ID: identity.NewID(), CreatedAt: now()}, nil
	},
	read: func(_ *call, f fields, r *models.IdentityRole, made bool) error {
		f.name("name", &r.Name, made)
		f.set("description", &r.Description)
		if f.has("domain_id") {
			return refuse(http.StatusBadRequest, "Roles of a domain are not supported.")
		}
		return nil
	},
	view: func(r models.IdentityRole) object {
		return object{"id": r.ID, "name": r.Name, "description": r.Description, "domain_id": nil, "options": object{}}
	},
	link: func(r models.IdentityRole) string { return r.ID },
}

var services = resource[models.IdentityService]{
	one: "service", many: "services", filters: map[string]string{"name": "name", "type": "type"},
	begin: func(*call) (models.IdentityService, error) {
		return models.IdentityService{ID: identity.NewID(), Enabled: true, CreatedAt: now()}, nil
	},
	read: func(_ *call, f fields, s *models.IdentityService, made bool) error {
		f.name("type", &s.Type, made)
		f.set("name", &s.Name)
		f.set("description", &s.Description)
		f.flag("enabled", &s.Enabled)
		return nil
	},
	view: func(s models.IdentityService) object {
		return object{"id": s.ID, "type": s.Type, "name": s.Name, "description": s.Description, "enabled": s.Enabled}
	},
	link: func(s models.IdentityService) string { return s.ID },
}

var endpoints = resource[models.IdentityEndpoint]{
	one: "endpoint", many: "endpoints", filters: map[string]string{"interface": "interface", "service_id": "service_id", "region_id": "region", "region": "region"},
	begin: func(*call) (models.IdentityEndpoint, error) {
		return models.IdentityEndpoint{ID: identity.NewID(), Enabled: true, CreatedAt: now()}, nil
	},
	read: func(c *call, f fields, p *models.IdentityEndpoint, made bool) error {
		f.name("url", &p.URL, made)
		f.name("interface", &p.Interface, made)
		f.set("region", &p.Region)
		f.set("region_id", &p.Region)
		f.name("service_id", &p.ServiceID, made)
		f.flag("enabled", &p.Enabled)
		if p.Interface != "public" && p.Interface != "internal" && p.Interface != "admin" {
			f.fail("interface", "public, internal or admin")
		}
		if *f.err != nil {
			return nil
		}
		return in[models.IdentityService](c, p.ServiceID, "service")
	},
	view: func(p models.IdentityEndpoint) object {
		return object{
			"id": p.ID, "service_id": p.ServiceID, "interface": p.Interface, "region": p.Region, "region_id": p.Region, "url": p.URL, "enabled": p.Enabled,
		}
	},
	link: func(p models.IdentityEndpoint) string { return p.ID },
}

// regions are those that endpoints name.
func regions(c *call) error {
	all, err := identity.List[models.IdentityEndpoint](c.Request.Context(), c.s.People, nil)
	if err != nil {
		return err
	}
	out, seen := []object{}, map[string]bool{}
	for _, p := range all {
		if p.Region != "" && !seen[p.Region] {
			seen[p.Region] = true
			out = append(out, object{"id": p.Region, "description": "", "parent_region_id": nil})
		}
	}
	return c.json(http.StatusOK, object{"regions": out, "links": c.self()})
}
