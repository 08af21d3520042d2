#!/bin/bash
# Runs every fuzz target for FUZZ_TIME (10m), one after the other: about seven hours in all. FUZZ_ONLY=PATTERN takes those of
# which "package Name" matches. What a target finds is written to its package's testdata/fuzz; commit it with what mends it, for
# `go test` runs it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -trimpath -buildvcs=false" # as in the Makefile
time=${FUZZ_TIME:-10m} status=0 passed=0 failed=()

while IFS=: read -r file name; do
	package=./$(dirname "$file")
	[[ "$package $name" =~ ${FUZZ_ONLY:-.} ]] || continue
	echo "== $package $name, $time"
	if go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package"; then
		passed=$((passed + 1))
	else
		status=1
		failed+=("$package $name")
	fi
done < <(git grep -hoE --full-name -H '^func Fuzz[A-Za-z0-9]+' -- '*_test.go' | sed 's/:func /:/')

echo "$passed targets without a finding, ${#failed[@]} with: ${failed[*]:-}"
exit $status
