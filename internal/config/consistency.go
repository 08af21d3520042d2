package config

import (
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/internal/suggest"
)

// inconsistencies finds what no option has wrong by itself.
func (s *settings) inconsistencies(c *Config) Problems {
	return append(s.backendProblems(c), s.pairProblems(c)...)
}

// at makes a problem that stands where the option was given, or at the file
// when it has its default.
func (s *settings) at(section, heading, option, text string) Problem {
	p := Problem{Where: orElse(s.tree.file, "defaults"), Section: heading, Option: option, Text: text}
	if e, ok := s.given(registry.must(section, option), heading); ok && e.pos != (position{}) {
		p.Where, p.Line, p.Option = e.pos.String(), e.pos.line, e.key
	}
	return p
}

func (s *settings) backendProblems(c *Config) Problems {
	var problems Problems
	fail := func(text string) {
		problems = append(problems, s.at(defaultSection, defaultSection, "enabled_backends", text))
	}
	seen := map[string]string{}
	for _, name := range s.backends {
		first, twice := seen[normal(name)]
		seen[normal(name)] = name
		switch err := isBackendName(name); {
		case twice && first == name:
			fail(name + " is listed twice")
		case twice:
			fail(first + " and " + name + " are one section: case does not count")
		case err != nil:
			fail(err.Error())
		case s.tree.find(name) == nil:
			fail(fmt.Sprintf("%s has no section [%s]%s", name, name, s.nearSection(name)))
		}
	}
	return append(problems, s.sharedFolders(c)...)
}

// nearSection proposes a section for an enabled back end that has none.
func (s *settings) nearSection(name string) string {
	var free []string
	for _, sec := range s.tree.sections {
		if isBackend(sec) && !s.enabled(sec.name) {
			free = append(free, sec.name)
		}
	}
	if near := suggest.Nearest(name, free); near != "" {
		return "; nearest: [" + near + "]"
	}
	return ""
}

// sharedFolders refuses two dir back ends in one folder: each would count the
// other's volumes as its own and promise the same space again.
func (s *settings) sharedFolders(c *Config) Problems {
	var problems Problems
	owner := map[string]string{}
	for _, b := range c.Backends {
		if b.Driver != "dir" {
			continue
		}
		path := strings.TrimRight(b.Options["dir_path"], "/")
		if first, taken := owner[path]; taken && first != b.Name {
			problems = append(problems, s.at(backendSection, b.Name, "dir_path", "want a folder of its own, "+path+" is that of ["+first+"]"))
		}
		owner[path] = b.Name
	}
	return problems
}

// pairProblems compares options with each other.
func (s *settings) pairProblems(c *Config) Problems {
	var problems Problems
	fail := func(wrong bool, section, option, text string) {
		if wrong {
			problems = append(problems, s.at(section, section, option, text))
		}
	}
	fail(c.Temporal.TLSCert != "" && c.Temporal.TLSKey == "", "temporal", "tls_cert", "needs tls_key beside it")
	fail(c.Temporal.TLSKey != "" && c.Temporal.TLSCert == "", "temporal", "tls_key", "needs tls_cert beside it")
	fail((c.Temporal.ServerCert == "") != (c.Temporal.ServerKey == ""), "temporal", "server_cert", "and server_key go together")
	fail(c.Temporal.ServerClientCA != "" && c.Temporal.ServerCert == "", "temporal", "server_client_ca", "needs server_cert and server_key beside it")
	fail(c.API.UseTLS && (c.API.CertFile == "" || c.API.KeyFile == ""), defaultSection, "osapi_volume_use_ssl", "needs cert_file and key_file in [ssl]")
	fail(c.Service.DownTime <= c.Service.ReportInterval, defaultSection, "service_down_time", "must be longer than report_interval, or every service counts as down")
	fail(c.Flows.RecordAge < c.Flows.Retention, defaultSection, "flow_record_days", "must not be shorter than flow_retention_days")
	return problems
}
