package rig

import "fmt"

// stranger writes down that the test would have ended.
type stranger struct {
	T
	said string
}

func (s *stranger) Fatalf(format string, args ...any) { s.end("fatal: ", format, args) }
func (s *stranger) Skipf(format string, args ...any)  { s.end("skip: ", format, args) }

func (s *stranger) end(how, format string, args []any) {
	s.said = how + fmt.Sprintf(format, args...)
	panic(s)
}
