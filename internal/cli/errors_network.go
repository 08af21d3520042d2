package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/gophercloud/gophercloud/v2"
)

// fromNetwork says in plain words why no answer came; Go's own texts ("dial tcp 10.0.0.1:8776: connect: ...") are for programmers.
func fromNetwork(err error, endpoint string) *Error {
	var (
		dns      *net.DNSError
		cert     *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		syntax   *json.SyntaxError
		mismatch *json.UnmarshalTypeError
		missing  *gophercloud.ErrEndpointNotFound
	)
	switch {
	case errors.As(err, &missing):
		return Errorf(Failure, "the cloud's catalogue has no block storage (v3) endpoint for this region and interface")
	case errors.As(err, &dns):
		return Errorf(Unavailable, "can't reach %s: host %s is not known", endpoint, dns.Name)
	case errors.As(err, &cert):
		return Errorf(Unavailable, "can't trust %s: its certificate is not valid here (see --os-cacert and --insecure)", endpoint)
	case errors.As(err, &record):
		return Errorf(Unavailable, "can't reach %s: it does not speak TLS (http instead of https?)", endpoint)
	case errors.Is(err, syscall.ECONNREFUSED):
		return Errorf(Unavailable, "can't reach %s: connection refused (is the service running?)", endpoint)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Errorf(Unavailable, "can't reach %s: no route to the host", endpoint)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timedOut(err):
		return Errorf(Unavailable, "%s did not answer in time", endpoint)
	case errors.As(err, &syntax), errors.As(err, &mismatch):
		return Errorf(Failure, "%s answered something that is not a block storage reply; is it the right endpoint?", endpoint)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Errorf(Unavailable, "%s cut the connection; it is not known whether the request was carried out", endpoint)
	}
	return Errorf(Unavailable, "the request to %s failed", endpoint)
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
