package engine

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/clinker-storage/clinker/internal/flow"
)

// Metadata of an encrypted payload, as Temporal's samples name it, which its Web UI and tools know.
const (
	metadataEncoding = "encoding"
	metadataKeyID    = "encryption-key-id"
	encrypted        = "binary/encrypted"
)

// payloadKeySize is AES-256's, in bytes.
const payloadKeySize = 32

var (
	payloadKeyID   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	payloadKeyHost = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}$`)
)

// Keys are a ring of keys for payloads: the first of an audience encrypts what is for it, all decrypt. Their zero value changes nothing.
type Keys struct {
	ring []payloadKey
	// host is the node that the payloads are for; "" is the control plane.
	host string
}

type payloadKey struct {
	id   string
	host string // whose key it is; "" is the control plane's
	aead cipher.AEAD
}

// ReadKeys reads a file of lines "id key", or "id key host" for what a node gets and answers, the key in base64; comments begin with #. The control
// plane's file has all keys, a node's those of its own host. Only its owner may be able to read it.
func ReadKeys(path string) (Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Keys{}, fmt.Errorf("payload keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Keys{}, fmt.Errorf("payload keys: others can read %s (mode %04o): chmod 600 %[1]s", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Keys{}, fmt.Errorf("payload keys: %w", err)
	}
	k, err := parseKeys(string(text))
	if err != nil {
		return Keys{}, fmt.Errorf("payload keys: %s, %w", path, err)
	}
	return k, nil
}

// parseKeys never puts a key into an error.
func parseKeys(text string) (Keys, error) {
	var k Keys
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := append(strings.Fields(line), "", "")
		id, host := words[0], words[2]
		raw, err := base64.StdEncoding.DecodeString(words[1])
		if err != nil || len(raw) != payloadKeySize || len(words) > 5 || !payloadKeyID.MatchString(id) || host != "" && !payloadKeyHost.MatchString(host) {
			return Keys{}, fmt.Errorf("line %d: want an id, a key of %d bytes in base64, and the host of a node's key", n, payloadKeySize)
		}
		if _, twice := k.find(id); twice {
			return Keys{}, fmt.Errorf("line %d: the id %s is taken", n, id)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return Keys{}, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return Keys{}, err
		}
		k.ring = append(k.ring, payloadKey{id, host, aead})
	}
	if len(k.ring) == 0 {
		return Keys{}, errors.New("there is no key in it")
	}
	return k, nil
}

// NewKeyLine makes a line for a file of keys; host is the node's, "" for the control plane.
func NewKeyLine(id, host string) (string, error) {
	if host != "" && !payloadKeyHost.MatchString(host) {
		return "", fmt.Errorf("the host %q of a key: letters, digits, dots, dashes and underscores", host)
	}
	if !payloadKeyID.MatchString(id) {
		return "", fmt.Errorf("the id %q of a key: letters, digits, dots, dashes and underscores, at most 64", id)
	}
	key := make([]byte, payloadKeySize)
	_, _ = rand.Read(key) // never fails
	return strings.TrimSpace(id+" "+base64.StdEncoding.EncodeToString(key)+" "+host) + "\n", nil
}

func (k Keys) find(id string) (payloadKey, bool) {
	for _, key := range k.ring {
		if key.id == id {
			return key, true
		}
	}
	return payloadKey{}, false
}

// String hides the keys.
func (k Keys) String() string { return fmt.Sprintf("%d keys", len(k.ring)) }

// GoString hides the keys from %#v.
func (k Keys) GoString() string { return k.String() }

// WithSerializationContext returns the ring for what it is about: the input, heartbeats and result of a step on a node are for that node. Temporal's SDK
// asks this on both sides.
func (k *Keys) WithSerializationContext(about converter.SerializationContext) converter.PayloadCodec {
	host := ""
	if step, ok := about.(converter.ActivitySerializationContext); ok {
		host, _ = flow.QueueHost(step.TaskQueue)
	}
	if host == k.host {
		return k
	}
	return &Keys{ring: k.ring, host: host}
}

// writer is the first key of the audience; where it has none, the first of the control plane's, or of all: a ring that everybody shares has no others.
func (k Keys) writer() payloadKey {
	for _, host := range []string{k.host, ""} {
		if i := slices.IndexFunc(k.ring, func(key payloadKey) bool { return key.host == host }); i >= 0 {
			return k.ring[i]
		}
	}
	return k.ring[0]
}

// Encode encrypts payloads with the audience's key. The id is bound to the text, so that nobody can pass one key's text for another's.
func (k Keys) Encode(ps []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if len(k.ring) == 0 {
		return ps, nil
	}
	key := k.writer()
	out := make([]*commonpb.Payload, len(ps))
	for i, p := range ps {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		size := key.aead.NonceSize()
		text := make([]byte, size, size+len(plain)+key.aead.Overhead())
		_, _ = rand.Read(text) // never fails
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{metadataEncoding: []byte(encrypted), metadataKeyID: []byte(key.id)},
			Data:     key.aead.Seal(text, text, plain, []byte(key.id)),
		}
	}
	return out, nil
}

// Decode decrypts what is encrypted, whichever key of the ring it was, and leaves the rest as it is: flows of before go on.
func (k Keys) Decode(ps []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(ps))
	for i, p := range ps {
		if string(p.GetMetadata()[metadataEncoding]) != encrypted {
			out[i] = p
			continue
		}
		id := string(p.GetMetadata()[metadataKeyID])
		key, ok := k.find(id)
		if !ok {
			return nil, fmt.Errorf("a payload is encrypted with the key %q, which is not among ours (payload_keys)", id)
		}
		size := key.aead.NonceSize()
		if len(p.GetData()) < size {
			return nil, errors.New("an encrypted payload is cut off")
		}
		plain, err := key.aead.Open(nil, p.GetData()[:size], p.GetData()[size:], []byte(id))
		if err != nil {
			return nil, fmt.Errorf("a payload encrypted with the key %q is damaged: %w", id, err)
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, fmt.Errorf("a payload encrypted with the key %q holds something else: %w", id, err)
		}
	}
	return out, nil
}

// converter makes what the clients of Temporal use: sizes are limited before anything is encrypted.
func (k Keys) converter() converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), &k, limit{})
}

// failures is how errors cross Temporal: with keys, their messages and stacks are encrypted too.
func (k Keys) failures() converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: k.converter(), EncodeCommonAttributes: len(k.ring) > 0})
}

// reveal puts the message and stack of a failure, and of its causes, back in place. What can't be decrypted stays as it is.
func (k Keys) reveal(f *failurepb.Failure) {
	for ; f != nil; f = f.GetCause() {
		converter.DecodeCommonFailureAttributes(k.converter(), f)
	}
}

// CodecHandler answers the requests of Temporal's Web UI and CLI to decode payloads.
func (k Keys) CodecHandler() http.Handler { return converter.NewPayloadCodecHTTPHandler(&k) }
