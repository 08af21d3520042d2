#!/bin/bash
# Runs golangci-lint, of the version that tools/go.mod pins, over both kinds of build;
# with the argument fmt it formats the Go files instead. The flags are those of
# `make build`: what is compiled here is not compiled again there.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -trimpath -buildvcs=false" # as in the Makefile
# The linter's own cache stays in the checkout.
export GOLANGCI_LINT_CACHE=$PWD/bin/.lint-cache

lint() { go tool -modfile=tools/go.mod golangci-lint "$@"; }

if [ "${1:-}" = fmt ]; then
	lint fmt
	exit
fi
lint run
lint run --build-tags noembed ./internal/devserver/... ./cmd/clinkerd/...
for script in tests/*.sh .ci/run; do
	bash -n "$script"
done
