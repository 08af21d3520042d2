package execx

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

var (
	// ErrNotFound says that the program is not installed.
	ErrNotFound = exec.ErrNotFound
	// ErrOutput says that a program wrote more than Command.Limit to its standard output.
	ErrOutput = errors.New("more output than expected")
)

// ExitError says that a program ended badly.
type ExitError struct {
	Command  string         // the command line, secrets hidden
	ExitCode int            // -1 when a signal ended it
	Signal   syscall.Signal // 0 when none did
	Stderr   string         // the end of what it wrote to standard error, secrets hidden
}

// stderrTail is how much of standard error an ExitError keeps, in bytes.
const stderrTail = 4096

// Error is one line: the program, how it ended, and what it said last.
func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit code %d", e.ExitCode)
	if e.Signal != 0 {
		how = "ended by signal: " + e.Signal.String()
	}
	text := fmt.Sprintf("%s: %s", e.Command, how)
	if said := strings.Join(strings.FieldsFunc(e.Stderr, isLineEnd), "; "); said != "" {
		text += ": " + said
	}
	return text
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

// ExitCode is the exit code in err's chain: 0 for nil, -1 where there is none.
func ExitCode(err error) int {
	var e *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitCode
	}
	return -1
}

func (c Command) tail(stderr []byte) string {
	text := strings.TrimSpace(c.mask(string(stderr)))
	if len(text) > stderrTail {
		text = strings.ToValidUTF8(text[len(text)-stderrTail:], "")
	}
	return text
}

// Said is the last line that a program which failed wrote to standard error, else what the error says.
func Said(err error) string {
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Stderr == "" {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(exit.Stderr), "\n")
	return lines[len(lines)-1]
}
