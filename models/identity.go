package models

import "time"

// Scopes of a grant (an assignment of a role) and of a token.
const (
	GrantProject = "project"
	GrantDomain  = "domain"
	GrantSystem  = "system"
	// WholeSystem is the id of the one thing that has the scope GrantSystem.
	WholeSystem = "all"
)

// IdentityDomain holds projects and users, whose names are unique in it.
type IdentityDomain struct {
	ID          string `gorm:"primaryKey"`
	Name        string
	Description string
	Enabled     bool
	CreatedAt   time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// IdentityProject owns volumes.
type IdentityProject struct {
	ID          string `gorm:"primaryKey"`
	DomainID    string
	Name        string
	Description string
	Enabled     bool
	CreatedAt   time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// IdentityUser is somebody who can log in.
type IdentityUser struct {
	ID               string `gorm:"primaryKey"`
	DomainID         string
	Name             string
	Description      string
	Email            string
	DefaultProjectID string
	Enabled          bool
	// PasswordHash is "" for a user who can't log in with a password.
	PasswordHash string
	PasswordAt   time.Time `gorm:"serializer:micros"`
	// TokensAfter ends every token that was issued before it.
	TokensAfter time.Time `gorm:"serializer:micros"`
	CreatedAt   time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// IdentityRole is what a user may be in a project, in a domain or in the whole system.
type IdentityRole struct {
	ID          string `gorm:"primaryKey"`
	Name        string
	Description string
	CreatedAt   time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// IdentityImplication gives whoever has the prior role the implied one.
type IdentityImplication struct {
	PriorID   string `gorm:"primaryKey"`
	ImpliedID string `gorm:"primaryKey"`
}

// IdentityService is an entry of the catalogue that comes with a token.
type IdentityService struct {
	ID          string `gorm:"primaryKey"`
	Type        string
	Name        string
	Description string
	Enabled     bool
	CreatedAt   time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// IdentityEndpoint is where a service is. URL may hold $(project_id)s.
type IdentityEndpoint struct {
	ID        string `gorm:"primaryKey"`
	ServiceID string
	Interface string // public, internal, admin
	Region    string
	URL       string
	Enabled   bool
	CreatedAt time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}

// IdentityAssignment gives a user a role.
type IdentityAssignment struct {
	UserID  string `gorm:"primaryKey"`
	Scope   string `gorm:"primaryKey"`
	ScopeID string `gorm:"primaryKey"`
	RoleID  string `gorm:"primaryKey"`
}

// IdentityRevocation ends a token before its time; ID is the token's audit id.
type IdentityRevocation struct {
	ID        string    `gorm:"primaryKey"`
	ExpiresAt time.Time `gorm:"serializer:micros"`
}

// IdentityKey signs tokens. Secret is in hexadecimal.
type IdentityKey struct {
	ID        string `gorm:"primaryKey"`
	Secret    string
	CreatedAt time.Time `gorm:"serializer:micros;autoCreateTime:false"`
}
