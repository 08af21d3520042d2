#!/bin/bash
# Looks up what both binaries link in Go's database of vulnerabilities, with the govulncheck that tools/go.mod pins. The database is vuln.go.dev, or the one that
# GOVULNDB names (file:///folder for a copy).
#
# First by package, which takes seconds; where that finds something, by what is called, which takes a quarter of an hour on two cores and
# decides. Exit 0: nothing; 1: something is called, or the check went wrong; 75: the database can't be reached, so that NOTHING WAS CHECKED.
set -uo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -trimpath -buildvcs=false" # as in the Makefile
binaries=(./cmd/clinkerd ./cmd/clinker)

check() { go tool -modfile=tools/go.mod govulncheck -db "${GOVULNDB:-https://vuln.go.dev}" "$@" "${binaries[@]}" 2>&1; }

out=$(check -scan package)
status=$?
if grep -q 'fetching vulnerabilities' <<<"$out"; then
	echo "$out"
	echo "vulnerabilities: NOT CHECKED, the database can't be reached; run 'make vuln' where it can, or set GOVULNDB"
	exit 75
fi
if [ $status -ne 0 ] || ! grep -q '^No vulnerabilities found' <<<"$out"; then
	echo "$out"
	echo "== is it called?"
	check -scan symbol || exit 1
fi
echo "vulnerabilities: none that is called"
