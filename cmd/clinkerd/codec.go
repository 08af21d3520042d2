package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/durable"
	"github.com/clinker-storage/clinker/internal/engine"
)

// payloadKeyCommand adds a key to a ring, at its end: it decrypts at once, and encrypts when an operator moves its line to the top.
func payloadKeyCommand() *cobra.Command {
	var node, nodeFile string
	c := &cobra.Command{
		Use:   "payload-key FILE",
		Short: "Add a new key to a file of keys for what flows carry ([temporal] payload_keys)",
		Long: "Adds a new key to the end of FILE, which is made with mode 0600 if it is not there. The first key of an audience encrypts what is for\n" +
			"it, all decrypt: the control plane is one audience, each node that has a key (--node) another. The control plane's file has all\n" +
			"keys; --node-file is what that node gets. docs/security.md tells how to change keys without a process that can't read another's work.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if node == "" && nodeFile != "" {
				return usageError{errors.New("--node-file needs --node, whose key it gets")}
			}
			id := time.Now().UTC().Format("20060102T150405.000000")
			line, err := engine.NewKeyLine(id, node)
			if err != nil {
				return usageError{err}
			}
			for _, path := range append([]string{args[0]}, nonEmpty(nodeFile)...) {
				if err := addKey(path, line); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "key %s was added to %s\n", id, path)
			}
			return nil
		},
	}
	c.Flags().StringVar(&node, "node", "", "host of the node that the key is for; the control plane's without it")
	c.Flags().StringVar(&nodeFile, "node-file", "", "file to add the node's key to as well, for that node alone")
	return c
}

func nonEmpty(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path}
}

func addKey(path, line string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	if err = errors.Join(err, f.Sync(), f.Close(), durable.SyncFolder(filepath.Dir(path))); err != nil {
		return err
	}
	_, err = engine.ReadKeys(path)
	return err
}

// codecServerCommand lets Temporal's Web UI show what is encrypted, to whoever can reach it: so it listens on loopback only.
func codecServerCommand() *cobra.Command {
	var s settings
	var addr, origin string
	c := &cobra.Command{
		Use:   "codec-server",
		Short: "Decode what flows carry for Temporal's Web UI, on this machine's loopback",
		Long: "Decodes payloads with the keys of [temporal] payload_keys. Whoever reaches it reads what flows carry, so it listens on\n" +
			"loopback only; an operator elsewhere reaches it through ssh -L. In the Web UI: the glasses at the top, then its address.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := s.load()
			if err != nil {
				return err
			}
			if cfg.Temporal.PayloadKeys == "" {
				return errors.New("[temporal] payload_keys is not set: nothing is encrypted")
			}
			if !engine.Loopback(addr) {
				return usageError{fmt.Errorf("--addr %s can be reached from other machines, and it asks nobody who they are: use loopback", addr)}
			}
			keys, err := engine.ReadKeys(cfg.Temporal.PayloadKeys)
			if err != nil {
				return err
			}
			l, err := listen(addr, "--addr", "the codec server")
			if err != nil {
				return err
			}
			log.Info("codec server listens", "address", l.Addr().String(), "origin", origin)
			return serve(cmd.Context(), l, decodeOnly(keys, origin), log)
		},
	}
	s.register(c)
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8234", "loopback address to listen on")
	c.Flags().StringVar(&origin, "origin", "http://127.0.0.1:8233", "address of the Web UI whose pages may ask")
	return c
}

// decodeOnly answers pages of one origin. That a page of another can't ask is the browser's doing: it asks with OPTIONS first, since the
// content is JSON. The Host header must be loopback's, so that no name of an attacker's leads a browser here.
func decodeOnly(keys engine.Keys, origin string) http.Handler {
	codec := keys.CodecHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Origin"); from != "" && from != origin || !engine.Loopback(hostPort(r.Host)) {
			http.Error(w, "this page may not ask", http.StatusForbidden)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace")
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case r.Method == http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost && r.URL.Path == "/decode" && r.Header.Get("Content-Type") == "application/json":
			r.Body = http.MaxBytesReader(w, r.Body, maxDecode)
			codec.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// maxDecode is more than a page of the Web UI asks for, in bytes.
const maxDecode = 16 << 20

// hostPort gives a Host header without a port one, as loopback wants it.
func hostPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + ":80"
}
