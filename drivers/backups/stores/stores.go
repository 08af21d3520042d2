// Package stores opens a backup store by its address, for whoever has nothing but the store: no configuration, no catalogue.
package stores

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/backups/s3"
	"github.com/clinker-storage/clinker/drivers/backups/swift"
)

// Addresses says what OpenURL takes, for --help.
const Addresses = `A store is
  /folder or posix:///folder              a folder, or what is mounted there
  swift+https://host/auth/v3?container=C  Swift; ST_USER and ST_KEY, or OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME,
                                          OS_USER_DOMAIN_NAME and OS_PROJECT_DOMAIN_NAME, in the environment
  s3+https://host/bucket?region=R         S3; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment
swift+http and s3+http do without TLS. Credentials don't belong in an address: others of the machine can read it.`

// OpenURL opens the store at an address. Credentials come from the environment (getenv). What is wrong with the address is
// drivers.ErrInvalid. Requests that fail for a moment are repeated.
func OpenURL(address string, getenv func(string) string) (backups.Store, error) {
	if strings.HasPrefix(address, "/") {
		return posix.New(filepath.Clean(address)), nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: the address of the store can't be read", drivers.ErrInvalid) // err repeats it, with what is in it
	}
	if u.User != nil {
		return nil, fmt.Errorf("%w: credentials don't belong in the address of a store: put them in the environment", drivers.ErrInvalid)
	}
	var s backups.Store
	kind, scheme, _ := strings.Cut(u.Scheme, "+")
	switch {
	case (u.Scheme == "posix" || u.Scheme == "file") && u.Host == "" && filepath.IsAbs(u.Path):
		return posix.New(u.Path), nil
	case kind == "swift" && (scheme == "http" || scheme == "https"):
		s, err = openSwift(u, scheme, getenv)
	case kind == "s3" && (scheme == "http" || scheme == "https"):
		s, err = openS3(u, scheme, getenv)
	default:
		err = fmt.Errorf("%w: store %q; allowed are addresses that begin with /, posix://, swift+https://, swift+http://, s3+https:// and s3+http://, as in s3+https://host/bucket", drivers.ErrInvalid, address)
	}
	if err != nil {
		return nil, err
	}
	return backups.Retry(s, 5, time.Second), nil
}

func first(getenv func(string) string, names ...string) string {
	for _, n := range names {
		if v := getenv(n); v != "" {
			return v
		}
	}
	return ""
}

func openSwift(u *url.URL, scheme string, getenv func(string) string) (backups.Store, error) {
	version := 1
	for _, v := range []int{2, 3} {
		if strings.Contains(u.Path, "/v"+strconv.Itoa(v)) {
			version = v
		}
	}
	container := u.Query().Get("container")
	if container == "" {
		container = "volumebackups"
	}
	return swift.New(swift.Options{
		AuthURL: (&url.URL{Scheme: scheme, Host: u.Host, Path: u.Path}).String(), AuthVersion: version, Container: container,
		User: first(getenv, "ST_USER", "OS_USERNAME"), Key: first(getenv, "ST_KEY", "OS_PASSWORD"), Tenant: first(getenv, "OS_PROJECT_NAME", "OS_TENANT_NAME"),
		UserDomain: getenv("OS_USER_DOMAIN_NAME"), ProjectDomain: getenv("OS_PROJECT_DOMAIN_NAME"), Region: getenv("OS_REGION_NAME"), CAFile: getenv("OS_CACERT"),
	})
}

func openS3(u *url.URL, scheme string, getenv func(string) string) (backups.Store, error) {
	region := u.Query().Get("region")
	if region == "" {
		region = first(getenv, "AWS_REGION", "AWS_DEFAULT_REGION")
	}
	return s3.New(s3.Options{
		Endpoint: scheme + "://" + u.Host, Bucket: strings.Trim(u.Path, "/"), Region: region,
		AccessKey: getenv("AWS_ACCESS_KEY_ID"), SecretKey: getenv("AWS_SECRET_ACCESS_KEY"),
	})
}
