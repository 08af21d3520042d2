package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// memoryTime is how long a token that was good is believed without another look at the rows. What this process writes counts at
// once; what another one writes, after this time at the latest.
const memoryTime = 5 * time.Second

// maxRemembered bounds the memory of tokens.
const maxRemembered = 10_000

// memory holds tokens that were looked at a moment ago, by the hash of their text.
type memory struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]remembered
}

type remembered struct {
	token   Token
	until   time.Time
	changes uint64
}

func newMemory() *memory { return &memory{tokens: map[[sha256.Size]byte]remembered{}} }

func (m *memory) get(key [sha256.Size]byte, now time.Time, changes uint64) (Token, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.tokens[key]
	if !ok || r.changes != changes || !r.until.After(now) {
		delete(m.tokens, key)
		return Token{}, false
	}
	return r.token, true
}

func (m *memory) put(key [sha256.Size]byte, r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.tokens) >= maxRemembered {
		clear(m.tokens)
	}
	m.tokens[key] = r
}

// Verify tells what a token says now; ErrUnauthorized if it is none of ours, is over, was given back, or if its user, its project or
// its roles are gone or disabled.
func (s *Service) Verify(ctx context.Context, text string) (Token, error) {
	now, changes, key := s.now(), s.changes.Load(), sha256.Sum256([]byte(text))
	if t, ok := s.seen.get(key, now, changes); ok {
		return t, nil
	}
	if len(text) > maxToken {
		return Token{}, ErrUnauthorized
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return Token{}, err
	}
	c, ok := open(keys, text)
	if !ok || c.Expires <= now.UnixMicro() {
		return Token{}, ErrUnauthorized
	}
	for _, audit := range []string{c.Audit, c.Chain} {
		gone, err := s.revoked(ctx, audit)
		if err != nil {
			return Token{}, err
		}
		if gone {
			return Token{}, ErrUnauthorized
		}
	}
	t, err := s.resolve(ctx, c)
	if err != nil {
		return Token{}, refuse(err)
	}
	until := now.Add(memoryTime)
	if t.ExpiresAt.Before(until) {
		until = t.ExpiresAt
	}
	s.seen.put(key, remembered{token: t, until: until, changes: changes})
	return t, nil
}

func (s *Service) revoked(ctx context.Context, audit string) (bool, error) {
	if audit == "" {
		return false, nil
	}
	_, err := Get[models.IdentityRevocation](ctx, s, audit)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Revoke ends a token before its time, and those that were made from it.
func (s *Service) Revoke(ctx context.Context, t Token) error {
	return Ensure(ctx, s, models.IdentityRevocation{ID: t.AuditIDs[0], ExpiresAt: t.ExpiresAt})
}

// resolve fills a token from the rows.
func (s *Service) resolve(ctx context.Context, c claims) (Token, error) {
	t := Token{
		Methods: c.Methods, IssuedAt: time.UnixMicro(c.Issued).UTC(), ExpiresAt: time.UnixMicro(c.Expires).UTC(), AuditIDs: []string{c.Audit},
	}
	if c.Chain != "" {
		t.AuditIDs = append(t.AuditIDs, c.Chain)
	}
	user, err := Get[models.IdentityUser](ctx, s, c.User)
	if err != nil {
		return t, err
	}
	if !user.Enabled || t.IssuedAt.Before(user.TokensAfter) {
		return t, ErrUnauthorized
	}
	t.User, t.PasswordAt = Name{user.ID, user.Name}, user.PasswordAt
	if t.UserDomain, err = s.enabledDomain(ctx, user.DomainID); err != nil || c.Scope == "" {
		return t, err
	}
	if err := s.resolveScope(ctx, &t, c); err != nil {
		return t, err
	}
	t.Roles, err = s.roles(ctx, user.ID, c.Scope, c.ScopeID)
	if err == nil && len(t.Roles) == 0 {
		err = ErrUnauthorized
	}
	return t, err
}

func (s *Service) resolveScope(ctx context.Context, t *Token, c claims) (err error) {
	switch c.Scope {
	case models.GrantSystem:
		t.System = true
		return nil
	case models.GrantDomain:
		t.Domain, err = s.enabledDomain(ctx, c.ScopeID)
		return err
	}
	p, err := Get[models.IdentityProject](ctx, s, c.ScopeID)
	if err != nil {
		return err
	}
	if !p.Enabled {
		return ErrUnauthorized
	}
	t.Project = Name{p.ID, p.Name}
	t.ProjectDomain, err = s.enabledDomain(ctx, p.DomainID)
	return err
}

func (s *Service) enabledDomain(ctx context.Context, id string) (Name, error) {
	d, err := Get[models.IdentityDomain](ctx, s, id)
	if err == nil && !d.Enabled {
		err = ErrUnauthorized
	}
	return Name{d.ID, d.Name}, err
}
