package identity

import (
	"context"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// Ref names something by id, or by name within a domain.
type Ref struct {
	ID, Name   string
	DomainID   string
	DomainName string
}

// Login is a request for a token.
type Login struct {
	// With a password:
	User     Ref
	Password string
	// With a token that is valid still:
	Token string

	// What the new token is for; all empty, it is the user's default project, or nothing.
	Project  Ref
	Domain   Ref
	System   bool
	Unscoped bool // nothing, even if the user has a default project

	// Address is where the request came from, for the limit on attempts.
	Address string
}

// WaitError is an ErrWait that knows how long.
type WaitError struct{ For time.Duration }

// Error says what ErrWait says.
func (e *WaitError) Error() string { return ErrWait.Error() }

// Unwrap is ErrWait.
func (e *WaitError) Unwrap() error { return ErrWait }

// Issue logs somebody in and returns the token and its text. Whatever is wrong with the user, the password or what the token shall be
// for is ErrUnauthorized.
func (s *Service) Issue(ctx context.Context, l Login) (Token, string, error) {
	c := claims{Audit: newAudit()}
	var user models.IdentityUser
	var err error
	expires := s.now().Add(s.opts.TokenTTL)
	if l.Token != "" {
		user, err = s.byToken(ctx, l.Token, &c, &expires)
	} else {
		c.Methods = []string{"password"}
		user, err = s.byPassword(ctx, l)
	}
	if err != nil {
		return Token{}, "", refuse(err)
	}
	c.User, c.Issued, c.Expires = user.ID, s.now().UnixMicro(), expires.UnixMicro()
	if c.Scope, c.ScopeID, err = s.scopeOf(ctx, l, user); err != nil {
		return Token{}, "", refuse(err)
	}
	t, err := s.resolve(ctx, c)
	if errors.Is(err, ErrUnauthorized) && l.scopeless() && c.Scope != "" {
		// A default project that the user has no role in any more is no reason to be locked out.
		c.Scope, c.ScopeID = "", ""
		t, err = s.resolve(ctx, c)
	}
	if err != nil {
		return Token{}, "", refuse(err)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return Token{}, "", err
	}
	text, err := sign(keys[len(keys)-1], c)
	return t, text, err
}

func (l *Login) scopeless() bool { return l.Project == Ref{} && l.Domain == Ref{} && !l.System }

// refuse hides what exactly was not there.
func refuse(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return ErrUnauthorized
	}
	return err
}

// byToken takes the user, the methods and the end of a token that is valid still: one that is made from another doesn't live longer.
func (s *Service) byToken(ctx context.Context, text string, c *claims, expires *time.Time) (models.IdentityUser, error) {
	t, err := s.Verify(ctx, text)
	if err != nil {
		return models.IdentityUser{}, err
	}
	c.Chain = t.AuditIDs[len(t.AuditIDs)-1]
	c.Methods = []string{"token"}
	for _, m := range t.Methods {
		if m != "token" {
			c.Methods = append(c.Methods, m)
		}
	}
	*expires = t.ExpiresAt
	return Get[models.IdentityUser](ctx, s, t.User.ID)
}

func (s *Service) byPassword(ctx context.Context, l Login) (models.IdentityUser, error) {
	who := l.User.ID
	if who == "" {
		who = l.User.Name + "\x00" + l.User.DomainID + l.User.DomainName
	}
	if d := s.attempts.wait(who, l.Address, s.now()); d > 0 {
		return models.IdentityUser{}, &WaitError{For: d}
	}
	user, err := s.user(ctx, l.User)
	hash := user.PasswordHash
	switch {
	case errors.Is(err, models.ErrNotFound), err == nil && hash == "":
		hash = s.dummy
	case err != nil:
		return user, err
	}
	right, failed := checkPassword(ctx, hash, l.Password)
	if failed != nil {
		return user, failed
	}
	if !right || err != nil || user.PasswordHash == "" {
		s.attempts.wrong(who, l.Address, s.now())
		return user, ErrUnauthorized
	}
	s.attempts.right(who, l.Address)
	return user, nil
}

func (s *Service) user(ctx context.Context, r Ref) (models.IdentityUser, error) {
	if r.ID != "" {
		return Get[models.IdentityUser](ctx, s, r.ID)
	}
	domain, err := s.domain(ctx, Ref{ID: r.DomainID, Name: r.DomainName})
	if err != nil {
		return models.IdentityUser{}, err
	}
	return named[models.IdentityUser](ctx, s, map[string]any{"domain_id": domain.ID, "name": r.Name})
}

func (s *Service) domain(ctx context.Context, r Ref) (models.IdentityDomain, error) {
	if r.ID != "" {
		return Get[models.IdentityDomain](ctx, s, r.ID)
	}
	return named[models.IdentityDomain](ctx, s, map[string]any{"name": r.Name})
}

// scopeOf finds what a token shall be for. Whether the user has a role there is resolve's to say.
func (s *Service) scopeOf(ctx context.Context, l Login, user models.IdentityUser) (scope, id string, err error) {
	switch {
	case l.System:
		return models.GrantSystem, models.WholeSystem, nil
	case l.Project.ID != "":
		return models.GrantProject, l.Project.ID, nil
	case l.Project.Name != "":
		domain, err := s.domain(ctx, Ref{ID: l.Project.DomainID, Name: l.Project.DomainName})
		if err != nil {
			return "", "", err
		}
		p, err := named[models.IdentityProject](ctx, s, map[string]any{"domain_id": domain.ID, "name": l.Project.Name})
		return models.GrantProject, p.ID, err
	case l.Domain != Ref{}:
		d, err := s.domain(ctx, l.Domain)
		return models.GrantDomain, d.ID, err
	case l.Unscoped || user.DefaultProjectID == "":
		return "", "", nil
	}
	return models.GrantProject, user.DefaultProjectID, nil
}

// SetPassword gives a user another password, which ends all tokens of before. The old one is asked for unless force is set.
func (s *Service) SetPassword(ctx context.Context, id, old, password, address string, force bool) error {
	if !force {
		if _, err := s.byPassword(ctx, Login{User: Ref{ID: id}, Password: old, Address: address}); err != nil {
			return refuse(err)
		}
	}
	hash, err := HashPassword(ctx, password)
	if err != nil {
		return err
	}
	_, err = Edit(ctx, s, id, func(u *models.IdentityUser) error {
		u.PasswordHash, u.PasswordAt, u.TokensAfter = hash, s.now(), s.now()
		return nil
	})
	return err
}
