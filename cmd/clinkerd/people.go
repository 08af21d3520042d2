package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	apiidentity "github.com/clinker-storage/clinker/api/identity"
	"github.com/clinker-storage/clinker/api/middleware"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/durable"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/internal/keystone"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

// embedded is the auth_strategy with which Clinker keeps users itself.
const embedded = "embedded"

func newPeople(cfg *config.Config, st *store.Store) (*identity.Service, error) {
	o := identity.Options{TokenTTL: cfg.Identity.TokenTTL, Attempts: cfg.Identity.Attempts, Lockout: cfg.Identity.Lockout}
	path := cfg.Identity.KeyFile
	if path == "" {
		if _, err := os.Stat(ownKeyFile(cfg)); err == nil {
			path = ownKeyFile(cfg)
		}
	}
	if path != "" {
		key, err := seal.LoadKey(path)
		if err != nil {
			return nil, fmt.Errorf("[identity] key_file: %w", err)
		}
		o.Vault = vault{key}
	}
	return identity.New(st, o)
}

// ownKeyFile is where the key is that seals what tokens are signed with, unless key_file says otherwise.
func ownKeyFile(cfg *config.Config) string { return filepath.Join(cfg.StatePath, "identity.key") }

// vault seals to a key that the API has in a file.
type vault struct{ key seal.Key }

func (v vault) Seal(plain []byte) ([]byte, error) { return seal.Seal(v.key.Public(), plain) }

func (v vault) Open(sealed []byte) (plain []byte, err error) {
	err = v.key.Open(sealed, &plain)
	return plain, err
}

// callers is how the API knows who calls.
type callers struct {
	auth   middleware.Authenticator
	people *apiidentity.Server // nil unless they are kept here
}

// openCallers prepares what auth_strategy says; base is the address by which clients reach the API.
func openCallers(ctx context.Context, cfg *config.Config, st *store.Store, base string) (callers, error) {
	switch cfg.API.AuthStrategy {
	case embedded:
		return openEmbedded(ctx, cfg, st, base)
	case "keystone":
		return openKeystone(cfg.Keystone)
	}
	return callers{auth: middleware.NoAuth{}}, nil
}

// openKeystone does not ask Keystone yet: it may come up later.
func openKeystone(k config.Keystone) (callers, error) {
	tokens, err := keystone.New(keystone.Options{
		AuthURL: k.AuthURL, Username: k.Username, Password: k.Password.Reveal(), UserDomainID: k.UserDomainID, UserDomainName: k.UserDomainName,
		Project: k.ProjectName, ProjectDomainID: k.ProjectDomainID, ProjectDomainName: k.ProjectDomainName, Region: k.Region, Interface: k.Interface, CAFile: k.CAFile, Insecure: k.Insecure,
		Timeout: k.ConnectTimeout, CacheTime: k.TokenCacheTime,
	})
	if err != nil {
		return callers{}, err
	}
	uri := k.WWWAuthenticateURI
	if uri == "" {
		uri = k.AuthURL
	}
	return callers{auth: middleware.Keystone{Tokens: tokens, URI: uri, ServiceRoles: k.ServiceTokenRoles, ServiceRolesRequired: k.ServiceTokenRolesRequired}}, nil
}

// openEmbedded wants the first users to be there.
func openEmbedded(ctx context.Context, cfg *config.Config, st *store.Store, base string) (callers, error) {
	people, err := newPeople(cfg, st)
	if err != nil {
		return callers{}, err
	}
	users, err := identity.List[models.IdentityUser](ctx, people, nil)
	if err != nil {
		return callers{}, err
	}
	if len(users) == 0 {
		return callers{}, errors.New("there are no users yet: run `clinkerd identity bootstrap`, or set auth_strategy to noauth or keystone")
	}
	if err := people.SealKeys(ctx); err != nil {
		return callers{}, err
	}
	if err := people.Advertise(ctx, base); err != nil {
		return callers{}, err
	}
	return callers{
		auth:   apiidentity.Authenticator{People: people, URI: base + apiidentity.Base + "/v3"},
		people: &apiidentity.Server{People: people, PublicEndpoint: cfg.API.PublicEndpoint},
	}, nil
}

// publicBase is the address of the API for the catalogue: what the configuration says, else the one it listens on.
func publicBase(cfg *config.Config, l net.Listener) string {
	if cfg.API.PublicEndpoint != "" {
		return strings.TrimSuffix(cfg.API.PublicEndpoint, "/")
	}
	addr := l.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = cfg.MyIP
	}
	return apiScheme(cfg) + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

func apiScheme(cfg *config.Config) string {
	if cfg.API.UseTLS {
		return "https://"
	}
	return "http://"
}

// passwordFile is where `up` keeps the first password of admin, to write it into openrc at each start.
const passwordFile = "admin-password"

// bootstrapUp makes the first users of `up`, and returns admin's password: fresh where it was made just now, "" where it is not
// known here any more because somebody has removed the file.
func bootstrapUp(ctx context.Context, cfg *config.Config, st *store.Store) (password string, fresh bool, err error) {
	if cfg.Identity.KeyFile == "" {
		cfg.Identity.KeyFile = ownKeyFile(cfg)
	}
	people, err := newPeople(cfg, st)
	if err != nil {
		return "", false, err
	}
	path := filepath.Join(cfg.StatePath, passwordFile)
	password, err = people.Bootstrap(ctx, func(made string) error { return durable.Replace(path, []byte(made+"\n")) })
	if err != nil {
		return "", false, fmt.Errorf("the first users: %w", err)
	}
	if password != "" {
		return password, true, nil
	}
	kept, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", false, nil
	}
	return strings.TrimSpace(string(kept)), false, err
}

func identityCommand() *cobra.Command {
	c := &cobra.Command{Use: "identity", Short: "The embedded identity service: first users, keys, a lost password"}
	c.AddCommand(
		peopleCommand("bootstrap", "Make the first users and projects, and show admin's password, once (`up` does it by itself)", cobra.NoArgs, bootstrap),
		peopleCommand("rotate-key", "Sign new tokens with a new key; those of before stay valid for their time", cobra.NoArgs, rotateKey),
		peopleCommand("set-password USER", "Give a user of the default domain the password on standard input", cobra.ExactArgs(1), setPassword),
	)
	return c
}

type peopleAction func(cmd *cobra.Command, people *identity.Service, args []string) error

func peopleCommand(use, short string, args cobra.PositionalArgs, do peopleAction) *cobra.Command {
	var s settings
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		cfg, log, err := s.load()
		if err != nil {
			return err
		}
		return withPeople(cmd, cfg, log, do, args)
	}}
	s.register(c)
	return c
}

func withPeople(cmd *cobra.Command, cfg *config.Config, log *slog.Logger, do peopleAction, args []string) error {
	st, err := openStore(cmd.Context(), cfg, log, false)
	if err != nil {
		return err
	}
	defer st.Close()
	people, err := newPeople(cfg, st)
	if err != nil {
		return err
	}
	return do(cmd, people, args)
}

func bootstrap(cmd *cobra.Command, people *identity.Service, _ []string) error {
	password, err := people.Bootstrap(cmd.Context(), func(made string) error {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "user admin, project %s, password %s\nKeep it: it is not shown again.\n", identity.DemoProject, made)
		return err
	})
	if err == nil && password == "" {
		fmt.Fprintln(cmd.OutOrStdout(), "there are users already; nothing was changed")
	}
	return err
}

func rotateKey(cmd *cobra.Command, people *identity.Service, _ []string) error {
	if err := people.RotateKey(cmd.Context()); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "new tokens are signed with a new key")
	return nil
}

func setPassword(cmd *cobra.Command, people *identity.Service, args []string) error {
	rows, err := identity.List[models.IdentityUser](cmd.Context(), people, map[string]any{"domain_id": identity.DefaultDomain, "name": args[0]})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("there is no user %s in the default domain", args[0])
	}
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return errors.Join(errors.New("the password is expected on standard input"), err)
	}
	return people.SetPassword(cmd.Context(), rows[0].ID, "", password, "", true)
}
