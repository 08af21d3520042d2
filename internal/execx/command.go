package execx

import (
	"context"
	"io"
	"os"
	"strings"
	"time"
)

// Runner runs programs.
type Runner interface {
	// Run runs a program to its end and returns what it wrote.
	//
	// An exit code other than 0 is an *ExitError; a missing program wraps ErrNotFound; a cancelled context ends the
	// program's whole process group and is wrapped, whatever the program said at its end. The Result is filled
	// in as far as things went, with every error.
	Run(ctx context.Context, c Command) (Result, error)
}

// DefaultLimit is how many bytes of each output are kept where Command.Limit says nothing.
const DefaultLimit = 4 << 20

// Command is a program and how to run it.
type Command struct {
	Name string   // looked for in PATH, then in the administrator's folders; or a path
	Args []string // without the program's name

	// Secrets are texts that logs and errors show as "***": in the arguments, and in what the program said.
	Secrets []string

	Stdin io.Reader // nil is /dev/null
	Env   []string  // "NAME=value", besides PATH, HOME, TMPDIR and LC_ALL
	Dir   string    // working folder; "" is /

	// Limit is how many bytes of each output are kept, 0 for DefaultLimit. Standard output that goes beyond is an
	// error (ErrOutput), since half a report reads like a whole one; of standard error the end is kept. The program
	// runs to its end all the same.
	Limit int
	// Stdout gets standard output as it comes, in place of Result.Stdout and without a limit.
	Stdout io.Writer

	// Hold are open files that the program holds open, too, until it ends. A lock on an open file (drivers.Lock) thereby lasts
	// as long as the program, also when the worker is killed and the program is not ended as fast.
	Hold []*os.File

	// Gentle is for programs that must not be cut off. LVM, killed in the middle of a change, leaves devices suspended,
	// and whoever reads them hangs. A cancelled context then sends SIGTERM and waits, however long; else SIGKILL follows
	// after the runner's grace.
	Gentle bool
}

// Result is what a program left.
type Result struct {
	Stdout   []byte
	Stderr   []byte
	ExitCode int // -1 when it did not run or was ended by a signal
	Duration time.Duration
}

// String is the command line for people, secrets hidden, words with blanks in them quoted.
func (c Command) String() string {
	words := make([]string, 0, 1+len(c.Args))
	for _, w := range append([]string{c.Name}, c.Args...) {
		words = append(words, quote(c.mask(w)))
	}
	return strings.Join(words, " ")
}

func (c Command) mask(text string) string {
	for _, s := range c.Secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func (c Command) limit() int {
	if c.Limit > 0 {
		return c.Limit
	}
	return DefaultLimit
}
