// Command report reads what `go test -json` prints and writes it for people: a line a package, the whole output of
// each test that failed, and each skipped test with its reason. With -counts it appends "passed failed skipped" as
// three numbers to a file, so that several runs can be added up. It exits with 1 when anything failed.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	counts := flag.String("counts", "", "file to append the counts to")
	flag.Parse()
	failed, err := run(*counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

func run(counts string) (failed bool, err error) {
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		return true, err
	}
	if counts == "" {
		return r.failed > 0, nil
	}
	f, err := os.OpenFile(counts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return true, err
	}
	if _, err := fmt.Fprintln(f, r.passed, r.failed, r.skipped); err != nil {
		return true, err
	}
	return r.failed > 0, f.Close()
}
