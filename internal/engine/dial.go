package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/clinker-storage/clinker/internal/flow"
)

// Options say which Temporal to use.
type Options struct {
	Address   string // host:port
	Namespace string
	// TLS files in PEM; CAFile alone verifies the server, CertFile and KeyFile show who we are.
	CAFile, CertFile, KeyFile, ServerName string
	// APIKeyFile holds an API key, or a token of `clinkerd node token`; its content is read at each dial and never logged. Without any of the files
	// above it asks for TLS with the machine's own CAs, but on loopback.
	APIKeyFile string
	// PayloadKeysFile holds the keys that encrypt what flows carry; "" leaves it readable.
	PayloadKeysFile string
	Identity        string
	Logger          *slog.Logger
}

// Engine is a connection to Temporal: one client for the flows and one for Clinker's own upkeep.
type Engine struct {
	flows, system client.Client
	namespace     string
	keys          Keys
}

// Dial connects; the server need not be up yet when lazy is set.
func Dial(ctx context.Context, o Options, lazy bool) (*Engine, error) {
	var keys Keys
	if o.PayloadKeysFile != "" {
		var err error
		if keys, err = ReadKeys(o.PayloadKeysFile); err != nil {
			return nil, err
		}
	}
	opts, err := o.client(keys)
	if err != nil {
		return nil, err
	}
	system := opts
	system.Namespace += flow.SystemNamespaceSuffix
	e := &Engine{namespace: o.Namespace, keys: keys}
	if lazy {
		opts.ConnectionOptions.GetSystemInfoTimeout = time.Second
		system.ConnectionOptions.GetSystemInfoTimeout = time.Second
		e.flows, err = client.NewLazyClient(opts)
		if err == nil {
			// Not from the existing one, which would connect at once.
			e.system, err = client.NewLazyClient(system)
		}
		if err != nil {
			return nil, fmt.Errorf("temporal at %s: %w", o.Address, err)
		}
		return e, nil
	}
	if e.flows, err = client.DialContext(ctx, opts); err != nil {
		return nil, fmt.Errorf("temporal at %s does not answer: %w", o.Address, err)
	}
	if e.system, err = client.NewClientFromExistingWithContext(ctx, e.flows, system); err != nil {
		e.flows.Close()
		return nil, fmt.Errorf("temporal at %s does not answer: %w", o.Address, err)
	}
	return e, nil
}

// Close lets go of the connection.
func (e *Engine) Close() {
	e.system.Close()
	e.flows.Close()
}

// Flows is the client of the namespace in which users' flows run.
func (e *Engine) Flows() client.Client { return e.flows }

// System is the client of the namespace for Clinker's own upkeep.
func (e *Engine) System() client.Client { return e.system }

func (o Options) client(keys Keys) (client.Options, error) {
	opts := client.Options{
		HostPort: o.Address, Namespace: o.Namespace, Identity: o.Identity,
		Logger:                  log.NewStructuredLogger(o.Logger),
		DataConverter:           keys.converter(),
		FailureConverter:        keys.failures(),
		WorkerHeartbeatInterval: 10 * time.Second,
	}
	// The SDK packs every request with gzip by default: 4 to 5 % of all CPU for payloads of a kilobyte.
	opts.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	if o.APIKeyFile != "" {
		key, err := os.ReadFile(o.APIKeyFile)
		if err != nil {
			return opts, fmt.Errorf("temporal API key: %w", err)
		}
		text := strings.TrimSpace(string(key))
		if text == "" {
			return opts, fmt.Errorf("temporal API key: %s is empty", o.APIKeyFile)
		}
		opts.Credentials = client.NewAPIKeyStaticCredentials(text)
	}
	if o.CAFile == "" && o.CertFile == "" && o.KeyFile == "" && o.ServerName == "" && (o.APIKeyFile == "" || Loopback(o.Address)) {
		opts.ConnectionOptions.TLSDisabled = true // a key alone would ask for TLS
		return opts, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return opts, fmt.Errorf("temporal CA: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return opts, fmt.Errorf("temporal CA: %s holds no certificate in PEM", o.CAFile)
		}
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return opts, errors.New("temporal TLS: a certificate and its key go together")
	}
	if o.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return opts, fmt.Errorf("temporal TLS: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	opts.ConnectionOptions.TLS = conf
	return opts, nil
}

// Loopback tells whether nobody but this machine is on the way to an address.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// Healthy asks Temporal for a sign of life.
func (e *Engine) Healthy(ctx context.Context) error {
	_, err := e.flows.CheckHealth(ctx, &client.CheckHealthRequest{})
	return answered(err)
}
