package nodeauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/internal/durable"
)

// FileName is that of the file of tokens in the state folder of the machine that Temporal runs on.
const FileName = "temporal-tokens"

// tokenPrefix lets people, and programs that look for secrets in the wrong places, see what it is.
const tokenPrefix = "clkn_"

// A file of tokens has a line for each: the hash of the token and the name of its caller. The first line is the key of Marks. Nobody can call by what
// it holds but for that key; it is of mode 0600 all the same.
type entries struct {
	key   []byte
	lines []entry
}

type entry struct{ hash, name string }

const keyWord = "key"

// Create adds a token for a caller to the file, makes that where there is none, and returns the token. It is shown once.
func Create(path string, c Caller) (token string, err error) {
	if _, err := Named(c.String()); err != nil {
		return "", err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token = tokenPrefix + hex.EncodeToString(secret)
	return token, change(path, func(e *entries) { e.lines = append(e.lines, entry{hashOf(token), c.String()}) })
}

// Revoke takes away the tokens of a caller, all or all but the newest, and says how many. Calls that are under way go on; the next ones are refused.
func Revoke(path string, c Caller, butNewest bool) (n int, err error) {
	err = change(path, func(e *entries) {
		for i := len(e.lines) - 1; i >= 0; i-- {
			switch {
			case e.lines[i].name != c.String():
			case butNewest:
				butNewest = false
			default:
				e.lines = slices.Delete(e.lines, i, i+1)
				n++
			}
		}
	})
	return n, err
}

// Ensure makes the file if there is none.
func Ensure(path string) error { return change(path, func(*entries) {}) }

// change writes the file whole or not at all; of two that do it at once, one waits. A token that was revoked is so after a power cut, too.
func change(path string, edit func(*entries)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	e, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		e.key = make([]byte, sha256.Size)
		_, _ = rand.Read(e.key)
	} else if err != nil {
		return err
	}
	edit(&e)
	text := keyWord + " " + hex.EncodeToString(e.key) + "\n"
	for _, l := range e.lines {
		text += l.hash + " " + l.name + "\n"
	}
	return durable.Replace(path, []byte(text))
}

func read(path string) (e entries, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return e, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return e, fmt.Errorf("%s has mode %04o; allowed is 0600 or less", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return e, err
	}
	e, err = parse(string(text))
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return e, err
}

// parse never puts what it read into an error.
func parse(text string) (e entries, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		first, second, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n == 1 && first == keyWord {
			e.key, err = hex.DecodeString(second)
			if err == nil && len(e.key) == sha256.Size {
				continue
			}
		}
		_, err = Named(second)
		if e.key == nil || err != nil || len(first) != hex.EncodedLen(sha256.Size) {
			return entries{}, fmt.Errorf("line %d is not one of a file of tokens", n)
		}
		e.lines = append(e.lines, entry{first, second})
	}
	if e.key == nil {
		return e, errors.New("it is empty")
	}
	return e, nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Registry reads a file of tokens, again when it has changed.
type Registry struct {
	path string

	mu      sync.Mutex
	looked  time.Time
	read    os.FileInfo // of the file as it was read last
	marks   Marks
	callers map[string]Caller // by hash
}

// lookEvery is how late a change of the file may be seen.
const lookEvery = time.Second

// OpenRegistry reads the file, and makes it where there is none.
func OpenRegistry(path string) (*Registry, error) {
	if err := Ensure(path); err != nil {
		return nil, fmt.Errorf("tokens of nodes: %w", err)
	}
	r := &Registry{path: path}
	if err := r.reload(time.Now()); err != nil {
		return nil, fmt.Errorf("tokens of nodes: %w", err)
	}
	return r, nil
}

// reload is called with the mutex held, or before anybody else has the registry.
func (r *Registry) reload(now time.Time) error {
	r.looked = now
	info, err := os.Stat(r.path)
	if err != nil || r.read != nil && os.SameFile(info, r.read) && info.ModTime().Equal(r.read.ModTime()) {
		return err
	}
	e, err := read(r.path)
	if err != nil {
		return err
	}
	callers := make(map[string]Caller, len(e.lines))
	for _, l := range e.lines {
		callers[l.hash], _ = Named(l.name) // looked at by read
	}
	r.read, r.marks, r.callers = info, Marks{e.key}, callers
	return nil
}

// Find says whose a token is; nobody's is the zero Caller. A new token is known at once, one that was revoked for a second yet. While the file can't be
// read nobody is known.
func (r *Registry) Find(token string) Caller {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash, now := hashOf(token), time.Now()
	if _, known := r.callers[hash]; !known || now.Sub(r.looked) >= lookEvery {
		if err := r.reload(now); err != nil {
			r.callers, r.read = nil, nil
		}
	}
	return r.callers[hash]
}

// Marks are those of the file's key.
func (r *Registry) Marks() Marks {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.marks
}
