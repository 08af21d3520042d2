package keystone

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"golang.org/x/sync/singleflight"
)

// ErrInvalid is a token that Keystone doesn't know, or knows no more.
var ErrInvalid = errors.New("the token is not valid")

// ErrUnavailable is in the chain of every error that says nothing of the token: Keystone is away, or refuses us.
var ErrUnavailable = errors.New("keystone does not answer")

// maxConns bounds the connections to Keystone.
const maxConns = 32

// Options are those of [keystone_authtoken], or of another section that says how Clinker logs in.
type Options struct {
	Section                            string // for complaints; "" is keystone_authtoken
	AuthURL                            string
	Username, Password                 string
	UserDomainID, UserDomainName       string
	Project                            string
	ProjectDomainID, ProjectDomainName string
	// Region and Interface say which of the catalogue's endpoints is asked about tokens; both empty, it is AuthURL.
	Region, Interface string
	CAFile            string
	Insecure          bool
	// Timeout is for a request [10 s], CacheTime how long an answer is believed; 0 asks each time.
	Timeout, CacheTime time.Duration
	Now                func() time.Time
}

// Client asks Keystone. It is safe for concurrent use.
type Client struct {
	opts   Options
	http   http.Client
	memory *memory
	flight singleflight.Group

	mu       sync.Mutex // guards identity while it is made
	identity *gophercloud.ServiceClient
}

// New makes a client; Keystone isn't asked yet, so that Clinker can start before it.
func New(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	h, err := o.httpClient()
	if err != nil {
		return nil, err
	}
	return &Client{opts: o, http: h, memory: newMemory()}, nil
}

// httpClient checks the options and makes what all requests go through.
func (o *Options) httpClient() (http.Client, error) {
	o.Timeout, o.Section = cmp.Or(o.Timeout, 10*time.Second), cmp.Or(o.Section, "keystone_authtoken")
	if o.AuthURL == "" || o.Username == "" {
		return http.Client{}, fmt.Errorf("[%s] needs auth_url, username, password and project_name", o.Section)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure} //nolint:gosec // asked for by `insecure`
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return http.Client{}, fmt.Errorf("[%s] cafile: %w", o.Section, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return http.Client{}, fmt.Errorf("[%s] cafile: %s holds no certificate in PEM form", o.Section, o.CAFile)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.MaxConnsPerHost = conf, maxConns
	return http.Client{Transport: transport, Timeout: o.Timeout}, nil
}

// NewProvider makes what talks to the services of Keystone's catalogue; nobody is logged in yet, so that Clinker can start before Keystone.
func NewProvider(o *Options) (*gophercloud.ProviderClient, error) {
	h, err := o.httpClient()
	if err != nil {
		return nil, err
	}
	return o.provider(h)
}

func (o *Options) provider(h http.Client) (*gophercloud.ProviderClient, error) {
	provider, err := openstack.NewClient(o.AuthURL)
	if err != nil {
		return nil, fmt.Errorf("[%s] auth_url: %w", o.Section, err)
	}
	provider.HTTPClient = h
	provider.UserAgent.Prepend("clinkerd")
	return provider, nil
}

// Login logs in with the options' user. gophercloud renews the token when it has run out.
func (o *Options) Login(ctx context.Context, provider *gophercloud.ProviderClient) error {
	auth := gophercloud.AuthOptions{
		IdentityEndpoint: o.AuthURL, Username: o.Username, Password: o.Password, AllowReauth: true,
		DomainID: o.UserDomainID, DomainName: o.UserDomainName,
		Scope: &gophercloud.AuthScope{ProjectName: o.Project, DomainID: o.ProjectDomainID, DomainName: o.ProjectDomainName},
	}
	if auth.DomainID != "" {
		auth.DomainName = "" // Keystone takes one of them
	}
	if auth.Scope.DomainID != "" {
		auth.Scope.DomainName = ""
	}
	if err := openstack.AuthenticateV3(ctx, provider, &auth, gophercloud.EndpointOpts{}); err != nil {
		return fmt.Errorf("logging in as %s: %w", o.Username, err)
	}
	return nil
}

// login returns the identity API with Clinker's own token, which gophercloud renews when it has run out.
func (c *Client) login(ctx context.Context) (*gophercloud.ServiceClient, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.identity != nil {
		return c.identity, nil
	}
	o := &c.opts
	provider, err := o.provider(c.http)
	if err != nil {
		return nil, err
	}
	if err := o.Login(ctx, provider); err != nil {
		return nil, err
	}
	c.identity, err = openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{Region: o.Region, Availability: gophercloud.Availability(o.Interface)})
	if err != nil {
		return nil, fmt.Errorf("no identity endpoint for region_name %q and interface %q: %w", o.Region, o.Interface, err)
	}
	return c.identity, nil
}
