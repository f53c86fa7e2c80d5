#!/bin/sh
# Builds the host binaries: build.sh GO BIN TOOL… -- FUNCTION…
# Says that it builds, and goes on saying so: from cold caches it takes minutes.
set -eu
go=$1 bin=$2
shift 2
mkdir -p "$bin"

say() { printf '%s\n' "$*" >&2; }

tools='' functions='' list=tools
for name in "$@"; do
	case $name in
	--) list=functions ;;
	*) if [ $list = tools ]; then tools="$tools ./buildtools/$name"; else functions="$functions ./functions/$name"; fi ;;
	esac
done

# A build that takes longer than two seconds tells what it is at.
log=$(mktemp "${TMPDIR:-/tmp}/greenlight-build.XXXXXX")
ticker=''
cleanup() {
	[ -z "$ticker" ] || kill "$ticker" 2>/dev/null || :
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
(
	sleep 2
	say "building (the first time takes a minute or two: modules are fetched and compiled) …"
	seconds=2
	while sleep 5; do
		seconds=$((seconds + 5))
		say "  … still building after ${seconds}s ($(wc -l <"$log" | tr -d ' ') packages compiled)"
	done
) &
ticker=$!

build() { # NAME of the list, then go build's arguments
	if ! "$go" build -v -trimpath -ldflags='-s -w -buildid=' -o "$bin/" "$@" 2>>"$log"; then
		grep -vE '^[[:alnum:]./_-]+$|^go: downloading' "$log" >&2 || :
		say "building failed: the lines above say why"
		exit 1
	fi
}
# All are built as `make package` builds them, without cgo: a dynamic loader takes a renderer's start a millisecond.
export CGO_ENABLED=0
# shellcheck disable=SC2086 # lists of packages
[ -z "$tools" ] || build $tools
# And the functions without the RPC mode of Lambda's old runtime.
# shellcheck disable=SC2086
build -tags lambda.norpc $functions
