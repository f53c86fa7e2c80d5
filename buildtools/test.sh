#!/bin/sh
# Runs all tests, with the race detector where it can run: it needs a C compiler.
# CI has one; there, to be without is a failure and not a smaller test.
set -eu
go=${1:-go}
race=-race
cc=$("$go" env CC)
if ! command -v "${cc%% *}" >/dev/null 2>&1; then
	if [ -n "${CI:-}" ]; then
		echo "test: no C compiler ($cc): the race detector needs one, and CI has to use it" >&2
		exit 1
	fi
	echo "test: NO RACE DETECTOR: install a C compiler ($cc) to run the tests as CI does" >&2
	race=
else
	CGO_ENABLED=1
	export CGO_ENABLED
fi
exec "$go" test $race -shuffle=on -timeout 5m ./...
