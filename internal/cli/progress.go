package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/clinker-storage/clinker/models"
)

// Progress shows a flow's tasks while they pass.
type Progress interface {
	// Show is told how the flow stands, again and again.
	Show(f Flow)
	// Away is told that the service did not answer this time.
	Away(err error)
	// Done ends the showing.
	Done()
}

// NewProgress redraws on a terminal, and writes one line a change anywhere else.
func NewProgress(out io.Writer) Progress {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return &lines{out: out, seen: map[string]string{}}
	}
	return &screen{out: out, width: func() int {
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 { // some pseudo-terminals have no size
			return 80
		}
		return width
	}}
}

type silent struct{}

func (silent) Show(Flow)  {}
func (silent) Away(error) {}
func (silent) Done()      {}

// taskLine is a task in one line: name, state, then how long it took, or its attempt and what the last one met.
func taskLine(t Task) string {
	line := fmt.Sprintf("%-20s  %-8s", t.Name, t.State)
	if took, ok := t.Duration(); ok && t.State != models.TaskRunning {
		line += fmt.Sprintf("  %6s", duration(took))
	}
	if t.Attempt > 1 || t.Error != "" && t.Attempt > 0 {
		line += fmt.Sprintf("  attempt %d", t.Attempt)
	}
	if t.Error != "" {
		line += ": " + oneLine(t.Error)
	}
	return strings.TrimRight(line, " ")
}

// progressLine is taskLine with the progress of a step that runs.
func progressLine(t Task) string {
	if t.Progress == nil || t.State != models.TaskRunning {
		return taskLine(t)
	}
	return taskLine(t) + "  " + t.Progress.String()
}

// lines writes a line for every change, for logs and pipes.
type lines struct {
	out  io.Writer
	seen map[string]string
	away bool
}

func (l *lines) Show(f Flow) {
	l.away = false
	for _, t := range f.Tasks {
		change := taskLine(t)
		if t.Progress != nil { // one line for each tenth
			change += fmt.Sprint(t.Progress.Percent / 10)
		}
		if t.State == models.TaskPending || l.seen[t.Name] == change {
			continue
		}
		l.seen[t.Name] = change
		_, _ = fmt.Fprintln(l.out, progressLine(t))
	}
}

func (l *lines) Away(err error) {
	if !l.away {
		_, _ = fmt.Fprintf(l.out, "%s; waiting\n", err)
	}
	l.away = true
}

func (l *lines) Done() {}

// screen draws all tasks over the last drawing. Lines are cut to the terminal's width, since a wrapped one would take
// two rows and the next drawing would start in the wrong place.
type screen struct {
	out   io.Writer
	width func() int
	last  Flow
	drawn int
}

func (s *screen) Show(f Flow) {
	s.last = f
	s.draw("")
}

func (s *screen) Away(err error) { s.draw(err.Error() + "; waiting") }

func (s *screen) Done() {}

func (s *screen) draw(note string) {
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn) // up to the first line of the last drawing
	}
	width := s.width()
	drawn := 0
	put := func(line string) {
		if r := []rune(line); len(r) >= width {
			line = string(r[:max(width-1, 0)])
		}
		b.WriteString(line + "\x1b[K\n")
		drawn++
	}
	for _, t := range s.last.Tasks {
		put(progressLine(t))
	}
	if note != "" {
		put(note)
	}
	b.WriteString("\x1b[J") // what an earlier, longer drawing left below
	s.drawn = drawn
	_, _ = io.WriteString(s.out, b.String())
}
