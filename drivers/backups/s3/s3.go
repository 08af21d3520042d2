// Package s3 is a backup store in a bucket of an S3-compatible object store.
package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // as below
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Options of a store; each is named after the option of Cinder's that sets it.
type Options struct {
	Endpoint  string // backup_s3_endpoint_url: http or https
	AccessKey string // backup_s3_store_access_key
	SecretKey string // backup_s3_store_secret_key; a secret
	Bucket    string // backup_s3_store_bucket
	Region    string
	Create    bool          // backup_create_containers
	CAFile    string        // backup_s3_ca_cert_file
	Insecure  bool          // not backup_s3_verify_ssl
	NoMD5     bool          // not backup_s3_md5_validation
	SSEKey    string        // backup_s3_sse_customer_key, 32 bytes; a secret
	Timeout   time.Duration // backup_s3_timeout
	MaxConns  int           // backup_s3_max_pool_connections
}

// Store is a bucket.
type Store struct {
	c   *minio.Core
	o   Options
	sse encrypt.ServerSide
}

// New makes a store; it does not talk to it yet.
func New(o Options) (*Store, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || o.Bucket == "" {
		return nil, fmt.Errorf("%w: S3 needs backup_s3_endpoint_url (http://host or https://host) and a bucket", drivers.ErrInvalid)
	}
	tlsConfig, err := backups.TLS(o.CAFile, "backup_s3_ca_cert_file", o.Insecure)
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(o.Timeout, time.Minute)
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: cmp.Or(o.MaxConns, 16), ResponseHeaderTimeout: timeout, IdleConnTimeout: time.Minute,
		TLSClientConfig: tlsConfig, DisableCompression: true,
	}
	c, err := minio.NewCore(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: u.Scheme == "https", Region: o.Region, Transport: transport, MaxRetries: 1,
		BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: backup_s3_endpoint_url %s: %w", drivers.ErrInvalid, o.Endpoint, err)
	}
	s := &Store{c: c, o: o}
	if o.SSEKey != "" {
		if s.sse, err = encrypt.NewSSEC([]byte(o.SSEKey)); err != nil {
			return nil, fmt.Errorf("%w: backup_s3_sse_customer_key must have 32 bytes", drivers.ErrInvalid)
		}
	}
	return s, nil
}

// Properties describe it.
func (s *Store) Properties() backups.Properties {
	return backups.Properties{Kind: "s3", Location: s.o.Endpoint + " " + s.o.Bucket}
}

// Check looks for the bucket or makes it, and tries it out.
func (s *Store) Check(ctx context.Context) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	return backups.TryOut(ctx, s)
}

// Prepare looks for the bucket or makes it.
func (s *Store) Prepare(ctx context.Context) error {
	there, err := s.c.BucketExists(ctx, s.o.Bucket)
	if err == nil && !there {
		err = minio.ErrorResponse{Code: minio.NoSuchBucket, StatusCode: http.StatusNotFound}
		if s.o.Create {
			err = s.c.MakeBucket(ctx, s.o.Bucket, minio.MakeBucketOptions{Region: s.o.Region})
		}
	}
	if err != nil {
		return s.fail("look at bucket", s.o.Bucket, err)
	}
	return nil
}

func enter(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return backups.CheckKey(key)
}

// fail classes what the store answered.
func (s *Store) fail(op, key string, err error) error {
	e := &drivers.Error{Op: op, Driver: "s3", Resource: key, Err: err}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return e
	}
	r := minio.ToErrorResponse(err)
	switch {
	case r.Code == minio.NoSuchKey, r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket && op != "list":
		return fmt.Errorf("object %s: %w", key, drivers.ErrNotFound)
	case r.Code == minio.NoSuchBucket:
		e.Hint = fmt.Sprintf("make the bucket %s, or set backup_create_containers", s.o.Bucket)
	case r.StatusCode == http.StatusForbidden, r.StatusCode == http.StatusUnauthorized:
		e.Hint = "look at backup_s3_store_access_key, backup_s3_store_secret_key and the bucket's policy"
	case r.StatusCode == http.StatusInsufficientStorage, r.Code == "QuotaExceeded", r.Code == "XMinioStorageFull":
		e.Err = fmt.Errorf("%w: S3 answered %s", drivers.ErrNoSpace, r.Code)
		e.Hint = "the bucket's quota is used up or the store is full: make room, then `clinker flow retry <flow>`"
		return e
	case r.StatusCode == 0:
		e.Err = fmt.Errorf("%w: S3 can't be reached", drivers.ErrUnavailable)
		e.Hint = "is the store running, and backup_s3_endpoint_url right?"
		return e
	}
	e.Err = fmt.Errorf("%w: S3 answered %d %s", drivers.ErrUnavailable, r.StatusCode, r.Code)
	return e
}

// Put sends sums along, which the store compares: the MD5, and without TLS the SHA-256 that the signature covers. Of the ways to sign, that is
// the one that every store knows; OpenStack's Swift refuses minio's own choice, a signature for each piece.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	if err := enter(ctx, key); err != nil {
		return err
	}
	var md5Sum, sha string
	if !s.o.NoMD5 {
		sum := md5.Sum(data) //nolint:gosec // what the protocol has; blocks have their own SHA-256
		md5Sum = base64.StdEncoding.EncodeToString(sum[:])
	}
	if strings.HasPrefix(s.o.Endpoint, "http:") {
		sum := sha256.Sum256(data)
		sha = hex.EncodeToString(sum[:])
	}
	_, err := s.c.PutObject(ctx, s.o.Bucket, key, bytes.NewReader(data), int64(len(data)), md5Sum, sha, minio.PutObjectOptions{
		ContentType: "application/octet-stream", DisableContentSha256: true, ServerSideEncryption: s.sse,
	})
	if err != nil {
		err = s.fail("store", key, err)
		if errors.Is(err, drivers.ErrNotFound) { // of a Put, it is the bucket that is not there
			err = fmt.Errorf("%w: %w", drivers.ErrUnavailable, errors.New("the bucket is not there"))
		}
	}
	return err
}

// Get reads part of an object.
func (s *Store) Get(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if err := enter(ctx, key); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	o := minio.GetObjectOptions{ServerSideEncryption: s.sse}
	if err := o.SetRange(off, off+int64(len(p))-1); err != nil {
		return 0, err
	}
	body, info, _, err := s.c.GetObject(ctx, s.o.Bucket, key, o)
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return 0, io.EOF
	}
	if err != nil {
		return 0, s.fail("read", key, err)
	}
	defer body.Close()
	n, err := io.ReadFull(body, p[:min(int64(len(p)), info.Size)])
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
	if err := enter(ctx, key); err != nil {
		return backups.Object{}, err
	}
	info, err := s.c.StatObject(ctx, s.o.Bucket, key, minio.StatObjectOptions{ServerSideEncryption: s.sse})
	if err != nil {
		return backups.Object{}, s.bucket(ctx, s.fail("look at", key, err))
	}
	return backups.Object{Key: key, Size: info.Size}, nil
}

// bucket makes sure of an absence: a HEAD has no body that could tell an absent object from an absent bucket.
func (s *Store) bucket(ctx context.Context, err error) error {
	if !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	there, e := s.c.BucketExists(ctx, s.o.Bucket)
	if e == nil && there {
		return err
	}
	return s.fail("look at bucket", s.o.Bucket, cmp.Or[error](e, minio.ErrorResponse{Code: minio.NoSuchBucket, StatusCode: http.StatusNotFound}))
}

// List reads page after page.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[backups.Object, error] {
	return func(yield func(backups.Object, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(backups.Object{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the goroutine that reads pages
		for o := range s.c.Client.ListObjects(ctx, s.o.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			if o.Err != nil {
				yield(backups.Object{}, s.fail("list", prefix, o.Err))
				return
			}
			if backups.CheckKey(o.Key) == nil && !yield(backups.Object{Key: o.Key, Size: o.Size}, nil) {
				return
			}
		}
	}
}

// Delete removes an object.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := enter(ctx, key); err != nil {
		return err
	}
	err := s.c.RemoveObject(ctx, s.o.Bucket, key, minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	if err := s.fail("delete", key, err); !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	return nil
}

// Close does nothing.
func (s *Store) Close() error { return nil }
