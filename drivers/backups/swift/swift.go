// Package swift is a backup store in a container of OpenStack Swift, with tempauth (version 1) or Keystone (2 and 3).
package swift

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // Swift's ETag is an MD5 sum; it finds damage on the way
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/ncw/swift/v2"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Options of a store; each is named after the option of Cinder's that sets it.
type Options struct {
	AuthURL       string // backup_swift_auth_url
	AuthVersion   int    // backup_swift_auth_version: 1, 2 or 3
	User          string // backup_swift_user
	Key           string // backup_swift_key; a secret
	Tenant        string // backup_swift_tenant or backup_swift_project
	UserDomain    string // backup_swift_user_domain
	ProjectDomain string // backup_swift_project_domain
	Region        string // backup_swift_region_name
	StorageURL    string // backup_swift_url: in place of the catalogue's
	Container     string // backup_swift_container
	Create        bool   // backup_create_containers
	Policy        string // backup_swift_create_storage_policy
	CAFile        string // backup_swift_ca_cert_file
	Insecure      bool   // backup_swift_auth_insecure
	Timeout       time.Duration
}

// Store is a container.
type Store struct {
	c *swift.Connection
	o Options
}

// New makes a store; it does not talk to Swift yet.
func New(o Options) (*Store, error) {
	if o.AuthURL == "" || o.Container == "" {
		return nil, fmt.Errorf("%w: Swift needs backup_swift_auth_url and a container", drivers.ErrInvalid)
	}
	tlsConfig, err := backups.TLS(o.CAFile, "backup_swift_ca_cert_file", o.Insecure)
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(o.Timeout, time.Minute)
	c := &swift.Connection{
		AuthUrl: o.AuthURL, AuthVersion: o.AuthVersion, UserName: o.User, ApiKey: o.Key, Tenant: o.Tenant, Domain: o.UserDomain,
		TenantDomain: o.ProjectDomain, Region: o.Region, Retries: 1, Timeout: timeout, ConnectTimeout: 10 * time.Second, UserAgent: "clinker",
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: tlsConfig, MaxIdleConnsPerHost: 16, ResponseHeaderTimeout: timeout,
			IdleConnTimeout: time.Minute, ExpectContinueTimeout: time.Second,
		},
	}
	return &Store{c: c, o: o}, nil
}

// Properties describe it.
func (s *Store) Properties() backups.Properties {
	return backups.Properties{Kind: "swift", Location: s.o.AuthURL + " " + s.o.Container}
}

// Check logs in, looks for the container or makes it, and tries it out.
func (s *Store) Check(ctx context.Context) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	return backups.TryOut(ctx, s)
}

// Prepare logs in and looks for the container or makes it.
func (s *Store) Prepare(ctx context.Context) error {
	if err := s.login(ctx); err != nil {
		return err
	}
	_, _, err := s.c.Container(ctx, s.o.Container)
	if errors.Is(err, swift.ContainerNotFound) && s.o.Create {
		h := swift.Headers{}
		if s.o.Policy != "" {
			h["X-Storage-Policy"] = s.o.Policy
		}
		err = s.c.ContainerCreate(ctx, s.o.Container, h)
	}
	if err != nil {
		return s.fail("look at container", s.o.Container, err)
	}
	return nil
}

func (s *Store) login(ctx context.Context) error {
	if s.c.Authenticated() {
		return nil
	}
	if err := s.c.Authenticate(ctx); err != nil {
		return s.fail("log in", "", err)
	}
	if s.o.StorageURL != "" {
		s.c.StorageUrl = s.o.StorageURL
	}
	return nil
}

func (s *Store) enter(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := backups.CheckKey(key); err != nil {
		return err
	}
	return s.login(ctx)
}

// fail classes what Swift answered.
func (s *Store) fail(op, key string, err error) error {
	e := &drivers.Error{Op: op, Driver: "swift", Resource: key, Err: err}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return e
	}
	sentinel := drivers.ErrUnavailable
	var se *swift.Error
	if errors.As(err, &se) {
		switch se.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			e.Hint = "look at backup_swift_user, backup_swift_key and backup_swift_auth_url, and at the container's ACL"
		case http.StatusNotFound:
			e.Hint = fmt.Sprintf("make the container %s, or set backup_create_containers", s.o.Container)
		case http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
			sentinel, e.Hint = drivers.ErrNoSpace, "the account's quota is used up or the cluster is full: make room, then `clinker flow retry <flow>`"
		default:
			e.Hint = "look at the Swift proxy's log"
		}
		// Swift's text may repeat what it was sent.
		err = fmt.Errorf("Swift answered %d", se.StatusCode) //nolint:staticcheck // a name
	} else {
		err = errors.New("Swift can't be reached") //nolint:staticcheck // a name
		e.Hint = "is the Swift proxy running, and backup_swift_auth_url right?"
	}
	e.Err = fmt.Errorf("%w: %w", sentinel, err)
	return e
}

// missing tells an absent object from an absent container: both are a 404.
func (s *Store) missing(ctx context.Context, op, key string, err error) error {
	var se *swift.Error
	if !errors.As(err, &se) || se.StatusCode != http.StatusNotFound {
		return s.fail(op, key, err)
	}
	if _, _, err := s.c.Container(ctx, s.o.Container); err != nil {
		return s.fail(op, key, err)
	}
	return fmt.Errorf("object %s: %w", key, drivers.ErrNotFound)
}

// Put sends the MD5 along, which Swift compares.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	if err := s.enter(ctx, key); err != nil {
		return err
	}
	sum := md5.Sum(data) //nolint:gosec // Swift's
	h := swift.Headers{"Content-Length": strconv.Itoa(len(data))}
	_, err := s.c.ObjectPut(ctx, s.o.Container, key, bytes.NewReader(data), true, hex.EncodeToString(sum[:]), "application/octet-stream", h)
	if err != nil {
		return s.fail("store", key, err)
	}
	return nil
}

// Get reads part of an object.
func (s *Store) Get(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if err := s.enter(ctx, key); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	f, _, err := s.c.ObjectOpen(ctx, s.o.Container, key, false, swift.Headers{"Range": fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1)})
	var se *swift.Error
	if errors.As(err, &se) && se.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return 0, io.EOF
	}
	if err != nil {
		return 0, s.missing(ctx, "read", key, err)
	}
	defer func() { _ = f.Close() }() // its error is of a hash that was not asked for
	want, err := f.Length(ctx)
	if err != nil {
		return 0, s.fail("read", key, err)
	}
	n, err := io.ReadFull(f, p[:min(int64(len(p)), want)])
	if err != nil {
		return n, s.fail("read", key, err) // the connection ended before the answer did
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Stat answers an object's size.
func (s *Store) Stat(ctx context.Context, key string) (backups.Object, error) {
	if err := s.enter(ctx, key); err != nil {
		return backups.Object{}, err
	}
	o, _, err := s.c.Object(ctx, s.o.Container, key)
	if err != nil {
		return backups.Object{}, s.missing(ctx, "look at", key, err)
	}
	return backups.Object{Key: key, Size: o.Bytes}, nil
}

// List reads page after page.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[backups.Object, error] {
	return func(yield func(backups.Object, error) bool) {
		if err := s.enter(ctx, "list"); err != nil {
			yield(backups.Object{}, err)
			return
		}
		o := &swift.ObjectsOpts{Prefix: prefix, Limit: 1000}
		for {
			page, err := s.c.Objects(ctx, s.o.Container, o)
			if err != nil {
				yield(backups.Object{}, s.fail("list", prefix, err))
				return
			}
			for _, x := range page {
				if backups.CheckKey(x.Name) == nil && !yield(backups.Object{Key: x.Name, Size: x.Bytes}, nil) {
					return
				}
			}
			if len(page) < o.Limit {
				return
			}
			o.Marker = page[len(page)-1].Name
		}
	}
}

// Delete removes an object.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.enter(ctx, key); err != nil {
		return err
	}
	err := s.c.ObjectDelete(ctx, s.o.Container, key)
	if err == nil {
		return nil
	}
	if err := s.missing(ctx, "delete", key, err); !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	return nil
}

// Close logs out.
func (s *Store) Close() error {
	s.c.UnAuthenticate()
	return nil
}
