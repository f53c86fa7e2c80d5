#!/bin/sh
# Says in one line what to install when there is no Go that can build Greenlight.
# A Go from 1.21 on fetches the right toolchain itself where it is allowed to, and then is new enough.
go=${1:-go}
found=$("$go" env GOVERSION 2>/dev/null) || found=$("$go" version 2>/dev/null | awk '{ print $3 }')
minor=$(printf '%s' "$found" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
case $found in devel*) minor=999 ;; esac
if [ "${minor:-0}" -lt 26 ]; then
	echo "Greenlight needs Go 1.26 or newer (found: ${found:-none}): install it from https://go.dev/dl/" >&2
	exit 1
fi
