package cli

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// Connect makes a client from flags, environment, clouds.yaml and, where none of them names a service, the openrc below
// folder. With Keystone it asks for a token; debug is where --debug writes.
func Connect(ctx context.Context, s Settings, env Environment, folder string, debug io.Writer) (*Client, error) {
	env, err := env.withLocal(s, folder)
	if err != nil {
		return nil, err
	}
	s = s.complete(env)
	c, err := s.connect(ctx, env, debug)
	if err != nil {
		return nil, err
	}
	c.api.Type = "block-storage"
	c.api.Microversion = MaxMicroversion
	return c, nil
}

func (s Settings) connect(ctx context.Context, env Environment, debug io.Writer) (*Client, error) {
	switch s.AuthType {
	case "":
		return s.guess(ctx, env, debug)
	case "noauth", "none":
		return s.noauth(env, debug)
	case "token", "v3token", "admin_token":
		if s.Endpoint != "" {
			return s.direct(s.Token, debug)
		}
	case "password", "v3password", "v3applicationcredential":
	default:
		return nil, Errorf(Usage, "auth type %q is not known; use noauth, token, password or v3applicationcredential", s.AuthType)
	}
	return s.keystone(ctx, env, debug)
}

// guess finds the way to authenticate from what is there.
func (s Settings) guess(ctx context.Context, env Environment, debug io.Writer) (*Client, error) {
	switch {
	case s.Cloud != "":
		return s.keystone(ctx, env, debug)
	case s.Endpoint != "" && s.Token != "":
		return s.direct(s.Token, debug)
	case s.AuthURL != "":
		return s.keystone(ctx, env, debug)
	case s.Endpoint != "":
		return s.noauth(env, debug)
	}
	return nil, Errorf(Usage, "no service to talk to: set OS_CLOUD, OS_AUTH_URL or CLINKER_ENDPOINT (or --os-cloud, "+
		"--os-auth-url, --endpoint), or work in the folder where clinkerd up has written %s", openrcFile)
}

// noauth speaks to a service that believes whom it is told, with Cinder's "user:project" token.
func (s Settings) noauth(env Environment, debug io.Writer) (*Client, error) {
	_, project := splitEndpoint(s.Endpoint)
	if s.Project == "" {
		s.Project = project
	}
	switch {
	case s.Endpoint == "":
		return nil, Errorf(Usage, "noauth needs the service's address: set OS_ENDPOINT or --endpoint")
	case s.Project == "":
		return nil, Errorf(Usage, "noauth needs a project id: set OS_PROJECT_ID or --project")
	}
	user := env.first("OS_USER_ID", "OS_USERNAME")
	if user == "" {
		user = "admin"
	}
	return s.direct(user+":"+s.Project, debug)
}

// direct speaks to Endpoint with a token as it is. Without a project the paths leave it out (API 3.67 and later): the
// token says it.
func (s Settings) direct(token string, debug io.Writer) (*Client, error) {
	if token == "" {
		return nil, Errorf(Usage, "auth type %q needs a token: set CLINKER_TOKEN or --token", s.AuthType)
	}
	httpClient, err := s.http(debug)
	if err != nil {
		return nil, err
	}
	provider := &gophercloud.ProviderClient{TokenID: token, HTTPClient: httpClient, RetryFunc: retry}
	provider.UserAgent.Prepend("clinker")
	root, project := splitEndpoint(s.Endpoint)
	if s.Project != "" {
		project = s.Project
	}
	base := root + "/v3/"
	if project != "" {
		base += project + "/"
	}
	return &Client{api: &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: base}, root: root, project: project}, nil
}

func (s Settings) http(debug io.Writer) (http.Client, error) {
	conf, err := s.tls()
	if err != nil {
		return http.Client{}, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if conf != nil {
		transport.TLSClientConfig = conf
	}
	if !s.Debug {
		return http.Client{Transport: transport, Timeout: requestTimeout}, nil
	}
	return http.Client{Transport: &tracer{next: transport, out: debug}, Timeout: requestTimeout}, nil
}

var versionedPath = regexp.MustCompile(`^(.*)/v3(?:/([^/]*))?$`)

// splitEndpoint takes "http://host:8776/v3/<project>" apart; the version and the project may be missing.
func splitEndpoint(endpoint string) (root, project string) {
	endpoint = strings.TrimRight(endpoint, "/")
	if m := versionedPath.FindStringSubmatch(endpoint); m != nil {
		return m[1], m[2]
	}
	return endpoint, ""
}
