package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
)

var projectIDPattern = regexp.MustCompile(`^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`)

// keystone authenticates against Keystone and finds the service in its catalogue, unless Endpoint says where it is.
func (s Settings) keystone(ctx context.Context, env Environment, debug io.Writer) (*Client, error) {
	httpClient, err := s.http(debug)
	if err != nil {
		return nil, err
	}
	auth, endpoint, err := s.credentials(env, &httpClient)
	if err != nil {
		return nil, err
	}
	provider, err := openstack.NewClient(auth.IdentityEndpoint)
	if err != nil {
		return nil, Errorf(Usage, "Keystone's address %q is not a URL", auth.IdentityEndpoint)
	}
	provider.HTTPClient, provider.RetryFunc = httpClient, retry
	provider.UserAgent.Prepend("clinker")
	auth.AllowReauth = true // a --wait may outlive the token
	if err := openstack.Authenticate(ctx, provider, auth); err != nil {
		return nil, refused(err, auth.IdentityEndpoint)
	}
	if s.Endpoint != "" {
		root, _ := splitEndpoint(s.Endpoint)
		return &Client{api: &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: root + "/v3/"}, root: root}, nil
	}
	api, err := openstack.NewBlockStorageV3(provider, endpoint)
	if err != nil {
		return nil, explain(err, auth.IdentityEndpoint)
	}
	root, project := splitEndpoint(api.ServiceURL())
	return &Client{api: api, root: root, project: project}, nil
}

// refused explains a failed authentication. gophercloud's own refusals of incomplete credentials name their field.
func refused(err error, identity string) error {
	if e := fromResponse(err); e != nil {
		if e.Code == NotFound || e.Code == Usage {
			return Errorf(Failure, "%s is no Keystone address: %s", identity, e.Message)
		}
		return e
	}
	var missing gophercloud.ErrMissingInput
	if errors.As(err, &missing) {
		return Errorf(Usage, "the credentials lack %s", missing.Argument)
	}
	if neverSent(err) || cut(err) || errors.Is(err, context.Canceled) {
		return explain(err, identity)
	}
	return Errorf(Usage, "can't authenticate with these credentials: user, project or domain is missing (see OS_USERNAME, "+
		"OS_PROJECT_NAME, OS_USER_DOMAIN_NAME, OS_PROJECT_DOMAIN_NAME)")
}

// credentials reads clouds.yaml where a cloud is named, and the OS_ variables otherwise.
func (s Settings) credentials(env Environment, client *http.Client) (gophercloud.AuthOptions, gophercloud.EndpointOpts, error) {
	if s.Cloud == "" {
		auth, endpoint := s.fromEnvironment(env)
		return auth, endpoint, nil
	}
	opts := []clouds.ParseOption{clouds.WithCloudName(s.Cloud), clouds.WithRegion(s.Region)}
	if s.CACert != "" {
		opts = append(opts, clouds.WithCACertPath(s.CACert))
	}
	if s.Insecure {
		opts = append(opts, clouds.WithInsecure(true))
	}
	auth, endpoint, conf, err := clouds.Parse(opts...)
	if err != nil {
		return auth, endpoint, Errorf(Usage, "can't use cloud %q: %s", s.Cloud, err)
	}
	switch t := client.Transport.(type) {
	case *http.Transport:
		t.TLSClientConfig = conf
	case *tracer:
		t.next.TLSClientConfig = conf
	}
	if s.Project != "" && auth.Scope != nil {
		auth.TenantID, auth.TenantName = "", ""
		auth.Scope = scope(s.Project, auth.Scope.DomainID, auth.Scope.DomainName)
	}
	return auth, endpoint, nil
}

func (s Settings) fromEnvironment(env Environment) (gophercloud.AuthOptions, gophercloud.EndpointOpts) {
	auth := gophercloud.AuthOptions{
		IdentityEndpoint:            s.AuthURL,
		TokenID:                     s.Token,
		UserID:                      env.first("OS_USER_ID", "OS_USERID"),
		Password:                    env("OS_PASSWORD"),
		ApplicationCredentialID:     env("OS_APPLICATION_CREDENTIAL_ID"),
		ApplicationCredentialName:   env("OS_APPLICATION_CREDENTIAL_NAME"),
		ApplicationCredentialSecret: env("OS_APPLICATION_CREDENTIAL_SECRET"),
	}
	// Keystone takes either a user's id or a name within a domain, never both; an application credential brings its project.
	if auth.UserID == "" && auth.TokenID == "" && auth.ApplicationCredentialID == "" {
		auth.Username = s.Username
		auth.DomainID = env.first("OS_USER_DOMAIN_ID", "OS_DOMAIN_ID")
		if auth.DomainID == "" {
			auth.DomainName = env.first("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME")
		}
		if auth.DomainID == "" && auth.DomainName == "" {
			auth.DomainID = "default"
		}
	}
	if s.Project != "" && auth.ApplicationCredentialSecret == "" {
		auth.Scope = scope(s.Project, env("OS_PROJECT_DOMAIN_ID"), env("OS_PROJECT_DOMAIN_NAME"))
	}
	return auth, gophercloud.EndpointOpts{Region: s.Region, Availability: availability(env.first("OS_INTERFACE", "OS_ENDPOINT_TYPE"))}
}

func scope(project, domainID, domainName string) *gophercloud.AuthScope {
	if projectIDPattern.MatchString(project) {
		return &gophercloud.AuthScope{ProjectID: project}
	}
	if domainID == "" && domainName == "" {
		domainID = "default"
	}
	if domainID != "" {
		domainName = ""
	}
	return &gophercloud.AuthScope{ProjectName: project, DomainID: domainID, DomainName: domainName}
}

func availability(name string) gophercloud.Availability {
	switch name {
	case "internal", "internalURL":
		return gophercloud.AvailabilityInternal
	case "admin", "adminURL":
		return gophercloud.AvailabilityAdmin
	}
	return gophercloud.AvailabilityPublic
}
