package backups

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/clinker-storage/clinker/drivers"
)

// TLS is how a store is spoken to: with the certificates of caFile, or the system's where that is "". option is the name of the option that
// caFile comes from; insecure believes any certificate.
func TLS(caFile, option string, insecure bool) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure} //nolint:gosec // the operator's choice, off by default
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", drivers.ErrInvalid, option, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: %s %s holds no certificate", drivers.ErrInvalid, option, caFile)
	}
	return c, nil
}
