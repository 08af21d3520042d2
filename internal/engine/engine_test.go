package engine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	workerpb "go.temporal.io/api/worker/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func TestLimit(t *testing.T) {
	payload := func(n int) []*commonpb.Payload {
		return []*commonpb.Payload{{Data: []byte("x")}, {Data: make([]byte, n)}}
	}
	for n, fits := range map[int]bool{0: true, MaxPayload: true, MaxPayload + 1: false} {
		in := payload(n)
		out, err := limit{}.Encode(in)
		require.Equal(t, fits, err == nil)
		if fits {
			require.Equal(t, in, out)
		} else {
			require.ErrorContains(t, err, "a payload of 65537 bytes is over the limit of 65536")
		}
		out, err = limit{}.Decode(in) // what is in a history already is read, whatever its size
		require.NoError(t, err)
		require.Equal(t, in, out)
	}
}

// pair writes a certificate of its own and its key.
func pair(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clinker"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	require.NoError(t, err)
	der8, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der8}), 0o600))
	return cert, key
}

func TestClientOptions(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir)
	text := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	for name, c := range map[string]struct {
		o        Options
		tls, own bool // TLS at all, with a certificate of ours
		err      string
	}{
		"plain":           {Options{}, false, false, ""},
		"server name":     {Options{ServerName: "temporal"}, true, false, ""},
		"CA":              {Options{CAFile: cert}, true, false, ""},
		"mutual":          {Options{CAFile: cert, CertFile: cert, KeyFile: key}, true, true, ""},
		"API key":         {Options{APIKeyFile: text("api", " k3y\n")}, true, false, ""},
		"API key absent":  {Options{APIKeyFile: dir + "/none"}, false, false, "temporal API key: open"},
		"API key empty":   {Options{APIKeyFile: text("empty", "\n")}, false, false, "is empty"},
		"CA absent":       {Options{CAFile: dir + "/none"}, false, false, "temporal CA: open"},
		"CA that is none": {Options{CAFile: text("junk", "junk")}, false, false, "holds no certificate in PEM"},
		"cert alone":      {Options{CertFile: cert}, false, false, "a certificate and its key go together"},
		"key alone":       {Options{KeyFile: key}, false, false, "a certificate and its key go together"},
		"cert absent":     {Options{CertFile: dir + "/none", KeyFile: key}, false, false, "temporal TLS: open"},
		"not its key":     {Options{CertFile: cert, KeyFile: cert}, false, false, "temporal TLS:"},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Logger = slog.New(slog.DiscardHandler)
			opts, err := c.o.client(Keys{})
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				_, err = Dial(t.Context(), c.o, true)
				require.ErrorContains(t, err, c.err, "a lazy dial finds it out at once, too")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.tls, opts.ConnectionOptions.TLS != nil)
			if c.tls {
				require.Equal(t, c.own, len(opts.ConnectionOptions.TLS.Certificates) == 1)
				require.Equal(t, c.o.CAFile != "", opts.ConnectionOptions.TLS.RootCAs != nil)
				require.Equal(t, c.o.ServerName, opts.ConnectionOptions.TLS.ServerName)
			}
			require.Equal(t, c.o.APIKeyFile != "", opts.Credentials != nil)
			_, err = opts.DataConverter.ToPayload(make([]byte, MaxPayload+1))
			require.ErrorContains(t, err, "over the limit")
		})
	}
}

// Away or refused: the API answers 503 to the one and the flow's own status to the other.
func TestAnswered(t *testing.T) {
	require.NoError(t, answered(nil))
	converter := temporal.GetDefaultFailureConverter()
	refusal := converter.FailureToError(converter.ErrorToFailure(wire.Error(&flow.Error{Type: flow.ErrOverQuota, Message: "no", Code: "VolumeLimitExceeded"})))
	for name, c := range map[string]struct {
		err  error
		kind flow.ErrorType
	}{
		"refused":     {refusal, flow.ErrOverQuota},
		"no details":  {temporal.NewApplicationError("10.0.0.1", "Oops"), flow.ErrUnavailable},
		"no answer":   {context.DeadlineExceeded, ""},
		"no server":   {errors.New("connection refused"), ""},
		"cancelled":   {temporal.NewCanceledError(), ""},
		"not sent on": {errors.Join(refusal, errors.New("x")), flow.ErrOverQuota},
	} {
		t.Run(name, func(t *testing.T) {
			err := answered(c.err)
			require.Equal(t, c.kind, flow.TypeOf(err))
			require.Equal(t, c.kind == "", errors.Is(err, flow.ErrEngineAway))
			if c.kind == "" {
				require.ErrorIs(t, err, c.err, "the cause is for the log")
			} else {
				require.NotContains(t, err.Error(), "10.0.0.1")
			}
		})
	}
}

func TestStartsThatDontFitAreRefused(t *testing.T) {
	e, err := Dial(t.Context(), Options{Address: "127.0.0.1:1", Namespace: "n", Logger: slog.New(slog.DiscardHandler)}, true)
	require.NoError(t, err)
	defer e.Close()
	s := flow.Start{Operation: flow.VolumeDelete, Header: flow.Header{FlowID: "volume-create:v:r", ResourceID: "v"}}
	require.ErrorContains(t, e.Accept(t.Context(), s, nil), "is not one of volume-delete on v")
	require.ErrorContains(t, e.Start(t.Context(), s), "is not one of volume-delete on v")
	require.ErrorContains(t, e.Restart(t.Context(), models.Flow{ID: "f", Input: []byte("no json")}), "its recorded input can't be read")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s.Operation = flow.VolumeCreate
	require.ErrorIs(t, e.Start(ctx, s), flow.ErrEngineAway, "nobody listens there")
}

func TestOptionsOfAStart(t *testing.T) {
	o := options(flow.Start{Operation: flow.VolumeDelete, Kind: "volume", Backend: "n1@a", Header: flow.Header{
		FlowID: "volume-delete:v:r", RequestID: "req-r", ProjectID: "p", ResourceID: "v", Summary: "delete volume db",
	}})
	require.Equal(t, []string{"volume-delete:v:r", flow.ControlQueue, "delete volume db"}, []string{o.ID, o.TaskQueue, o.StaticSummary})
	for name, want := range map[string]string{
		flow.AttrProjectID: "p", flow.AttrResourceID: "v", flow.AttrResourceKind: "volume", flow.AttrOperation: "volume-delete",
		flow.AttrRequestID: "req-r", flow.AttrBackend: "n1@a",
	} {
		got, ok := o.TypedSearchAttributes.GetKeyword(key(name))
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	_, ok := options(flow.Start{}).TypedSearchAttributes.GetKeyword(key(flow.AttrBackend))
	require.False(t, ok, "not known yet")
}

func TestServedBackends(t *testing.T) {
	for name, c := range map[string]struct {
		w    *workerpb.WorkerListInfo
		want string
	}{
		"alive":       {&workerpb.WorkerListInfo{TaskQueue: "stats/n1@a", Status: enums.WORKER_STATUS_RUNNING}, "n1@a"},
		"shut down":   {&workerpb.WorkerListInfo{TaskQueue: "stats/n1@a", Status: enums.WORKER_STATUS_SHUTDOWN}, ""},
		"other queue": {&workerpb.WorkerListInfo{TaskQueue: "storage/n1@a"}, ""},
		"nothing":     {nil, ""},
	} {
		b, ok := served(c.w, flow.StatsBackend)
		require.Equal(t, c.want != "", ok, name)
		if ok {
			require.Equal(t, c.want, b)
		}
	}
}
