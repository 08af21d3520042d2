package identity

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/models"
)

// Store keeps the rows; models/store satisfies it. Rows are pointers to models' Identity types, lists pointers to slices of them.
// Errors are models.ErrNotFound, ErrExists, ErrInUse, ErrInvalid and ErrUnavailable.
type Store interface {
	ListIdentity(ctx context.Context, rows any, equal map[string]any) error
	GetIdentity(ctx context.Context, row any, id string) error
	CreateIdentity(ctx context.Context, row any) error
	// EnsureIdentity does nothing if a row of that key is there.
	EnsureIdentity(ctx context.Context, row any) error
	// EditIdentity reads row, has edit change it, and stores it, as one step; edit may run again.
	EditIdentity(ctx context.Context, row any, id string, edit func() error) error
	RemoveIdentity(ctx context.Context, row any) error
	// DeleteIdentity takes along what can't be without the row.
	DeleteIdentity(ctx context.Context, row any, id string) error
}

// Options are what the configuration says; zero values take the defaults in brackets.
type Options struct {
	TokenTTL time.Duration // how long a token is valid [1 h]
	// Attempts is how many logins of a user from an address may go wrong in a row [5]; the next are refused for Lockout [5 min].
	Attempts int
	Lockout  time.Duration
	Vault    Vault // nil leaves the keys that sign tokens in the catalogue as they are
	Now      func() time.Time
}

// Errors of a login and of a token. Neither says more, so that nobody learns which users and projects there are.
var (
	ErrUnauthorized = errors.New("the request you have made requires authentication")
	// ErrWait is a login that isn't looked at because too many before it went wrong.
	ErrWait = errors.New("too many logins went wrong; wait before the next")
)

// Service is the identity service. It is safe for concurrent use.
type Service struct {
	store    Store
	opts     Options
	attempts *attempts
	seen     *memory
	// changes counts what was written here, so that no token is judged by what was before.
	changes atomic.Uint64
	// opened are the keys that the vault has opened, by what is kept.
	opened sync.Map
	// dummy is what the password of a user who isn't there is compared with, so that it takes as long.
	dummy string
}

// New makes a service on a store.
func New(s Store, o Options) (*Service, error) {
	o.TokenTTL = cmp.Or(o.TokenTTL, time.Hour)
	o.Attempts = cmp.Or(o.Attempts, 5)
	o.Lockout = cmp.Or(o.Lockout, 5*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	dummy, err := HashPassword(context.Background(), uuid.NewString())
	if err != nil {
		return nil, err
	}
	return &Service{store: s, opts: o, attempts: newAttempts(o.Attempts, o.Lockout), seen: newMemory(), dummy: dummy}, nil
}

// NewID makes an id of Keystone's form: 32 hexadecimal digits.
func NewID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

func (s *Service) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }

// List reads the rows that have the values of equal.
func List[T any](ctx context.Context, s *Service, equal map[string]any) ([]T, error) {
	var rows []T
	err := s.store.ListIdentity(ctx, &rows, equal)
	return rows, err
}

// Get reads one row.
func Get[T any](ctx context.Context, s *Service, id string) (T, error) {
	var row T
	err := s.store.GetIdentity(ctx, &row, id)
	return row, err
}

// Create writes a new row.
func Create[T any](ctx context.Context, s *Service, row *T) error {
	defer s.changes.Add(1)
	return s.store.CreateIdentity(ctx, row)
}

// Edit changes a row and returns it as it is then.
func Edit[T any](ctx context.Context, s *Service, id string, edit func(*T) error) (T, error) {
	defer s.changes.Add(1)
	var row T
	err := s.store.EditIdentity(ctx, &row, id, func() error { return edit(&row) })
	return row, err
}

// Delete removes a row and what belongs to it.
func Delete[T any](ctx context.Context, s *Service, id string) error {
	defer s.changes.Add(1)
	var row T
	return s.store.DeleteIdentity(ctx, &row, id)
}

// Ensure writes an assignment or an implication unless it is there.
func Ensure[T any](ctx context.Context, s *Service, row T) error {
	defer s.changes.Add(1)
	return s.store.EnsureIdentity(ctx, &row)
}

// Remove removes an assignment or an implication; ErrNotFound if it is not there.
func Remove[T any](ctx context.Context, s *Service, row T) error {
	defer s.changes.Add(1)
	return s.store.RemoveIdentity(ctx, &row)
}

// named finds the one row of a name, in a domain where the kind has one.
func named[T any](ctx context.Context, s *Service, equal map[string]any) (T, error) {
	rows, err := List[T](ctx, s, equal)
	if err == nil && len(rows) != 1 {
		err = models.ErrNotFound
	}
	if err != nil {
		return *new(T), err
	}
	return rows[0], nil
}
