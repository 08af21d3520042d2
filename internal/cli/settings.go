package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Settings are the flags that say where the service is and who asks. An empty field is looked up in the environment.
type Settings struct {
	Cloud    string // entry of clouds.yaml
	Endpoint string // of the block storage service, past the catalogue
	AuthType string // noauth, token, password ...; guessed when empty
	AuthURL  string // Keystone's address
	Username string
	Project  string // id, or name where Keystone is asked
	Token    string
	Region   string
	CACert   string // file with the authorities to trust
	Insecure bool   // don't verify certificates
	Debug    bool   // show requests and answers
}

// Environment looks a variable up, "" if it is not set.
type Environment func(name string) string

// openrcFile is where `clinkerd up` writes how it can be reached.
const openrcFile = ".clinker/openrc"

// first returns the first of the variables that is set.
func (env Environment) first(names ...string) string {
	for _, name := range names {
		if v := env(name); v != "" {
			return v
		}
	}
	return ""
}

// withLocal falls back to the openrc that `clinkerd up` left in folder, but only where neither flags nor variables say
// anything about where the service is: mixing two services' settings would send one's token to the other.
func (env Environment) withLocal(s Settings, folder string) (Environment, error) {
	told := s.Cloud + s.Endpoint + s.AuthURL + s.Token
	if told != "" || env.first("OS_CLOUD", "CLINKER_ENDPOINT", "OS_ENDPOINT", "OS_AUTH_URL", "CLINKER_TOKEN", "OS_TOKEN") != "" {
		return env, nil
	}
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(openrcFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return env, nil
	}
	if err != nil {
		return nil, Errorf(Usage, "can't read %s", openrcFile)
	}
	defer func() { _ = f.Close() }()
	local, err := parseOpenrc(f)
	if err != nil {
		return nil, err
	}
	return func(name string) string {
		if v := local[name]; v != "" {
			return v
		}
		return env(name)
	}, nil
}

// complete fills the empty fields from the environment; CLINKER_ variables win over OS_ ones.
func (s Settings) complete(env Environment) Settings {
	fill := func(field *string, names ...string) {
		if *field == "" {
			*field = env.first(names...)
		}
	}
	fill(&s.Cloud, "OS_CLOUD")
	fill(&s.Endpoint, "CLINKER_ENDPOINT", "OS_ENDPOINT")
	fill(&s.Token, "CLINKER_TOKEN", "OS_TOKEN")
	fill(&s.AuthType, "OS_AUTH_TYPE")
	fill(&s.AuthURL, "OS_AUTH_URL")
	fill(&s.Username, "OS_USERNAME")
	fill(&s.Project, "CLINKER_PROJECT", "OS_PROJECT_ID", "OS_TENANT_ID", "OS_PROJECT_NAME", "OS_TENANT_NAME")
	fill(&s.Region, "OS_REGION_NAME")
	fill(&s.CACert, "OS_CACERT")
	insecure, _ := strconv.ParseBool(env("OS_INSECURE"))
	s.Insecure = s.Insecure || insecure
	return s
}

// tls makes the TLS settings; nil means Go's own.
func (s Settings) tls() (*tls.Config, error) {
	if s.CACert == "" && !s.Insecure {
		return nil, nil
	}
	conf := &tls.Config{InsecureSkipVerify: s.Insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for by --insecure
	if s.CACert == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(s.CACert)
	if err != nil {
		return nil, Errorf(Usage, "can't read the CA certificates in %s", s.CACert)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, Errorf(Usage, "%s holds no certificate in PEM form", s.CACert)
	}
	return conf, nil
}
