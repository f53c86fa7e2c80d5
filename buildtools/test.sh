#!/bin/sh
# Runs all tests: test.sh GO [-race]
# make check, which CI runs, says -race: the race detector makes them take half as long again. It needs a C compiler; CI
# has one, and there to be without is a failure and not a smaller test.
set -eu
go=${1:-go} race=${2:-}
if [ -n "$race" ]; then
	cc=$("$go" env CC)
	if command -v "${cc%% *}" >/dev/null 2>&1; then
		CGO_ENABLED=1
		export CGO_ENABLED
	elif [ -n "${CI:-}" ]; then
		echo "test: no C compiler ($cc): the race detector needs one, and CI has to use it" >&2
		exit 1
	else
		echo "test: NO RACE DETECTOR: install a C compiler ($cc) to run the tests as CI does" >&2
		race=
	fi
fi
# go test keeps quiet about tests that are skipped.
without() { # TOOL, and what is not tested without it
	command -v "$1" >/dev/null 2>&1 || echo "test: NO $1: skipped is $2 (CI fails without it)" >&2
}
without aws "what the AWS command line makes of our files and of the rehearsal"
without moto_server "what moto makes of the task definition and the stacks"
without cfn-lint "what it makes of lifecycle hooks"
without chromium "the look at the pages in a browser"
without python3 "boto3 against the rehearsal"
# The race detector makes a test up to ten times as slow, and finds nothing in rooms in which nothing runs side by side.
concurrent=$(find buildtools functions infra pkg -name '*.go' ! -name '*_test.go' \
	-exec grep -lE '^[[:space:]]*go [a-z]|"sync(/atomic)?"|/pkg/parallel"' {} + | sed 's|/[^/]*$||' | sort -u)
side_by_side='' by_itself=''
for room in $("$go" list -f '{{.Dir}}' ./...); do
	room=${room#"$PWD"/}
	case "
$concurrent
" in
	*"
$room
"*) side_by_side="$side_by_side ./$room" ;;
	*) by_itself="$by_itself ./$room" ;;
	esac
done
# The programs that tests run are built once for all of them, and not in each room anew (pkg/programs).
GREENLIGHT_PROGRAMS=$(mktemp -d "${TMPDIR:-/tmp}/greenlight-test.XXXXXX")
export GREENLIGHT_PROGRAMS
trap 'rm -rf "$GREENLIGHT_PROGRAMS"' EXIT
CGO_ENABLED=0 "$go" build -trimpath -ldflags='-s -w -buildid=' -tags lambda.norpc -o "$GREENLIGHT_PROGRAMS/" \
	./buildtools/render-taskdef ./buildtools/render-appspec ./buildtools/smoke ./buildtools/rehearse ./buildtools/greenlight \
	./functions/...
# A twentieth of the processors' time is garbage collection: of the linker, the tests and the programs that they start.
GOGC=400
export GOGC
# -count=1: go test hands out a cached result where the code that a test starts as another program has changed.
# Nearly all that the long ones do is wait (for a deadline, a hook, a browser): five packages at once on two processors.
# -w leaves out what debuggers read, which is half of the linking.
# shellcheck disable=SC2086 # lists of packages
"$go" test -ldflags=-w -count=1 -shuffle=on -timeout 10m -p 2 $by_itself &
first=$!
trap 'kill $first 2>/dev/null || :; rm -rf "$GREENLIGHT_PROGRAMS"' EXIT # a shell lets what is in the background live on when it is interrupted
trap 'exit 130' INT TERM
# shellcheck disable=SC2086
"$go" test $race -ldflags=-w -count=1 -shuffle=on -timeout 10m -p 3 $side_by_side || failed=1
wait $first || failed=1
exit ${failed:-0}
