#!/bin/sh
# Prints the linker's flags that write a version into a program: stamp.sh [VERSION]
# Without VERSION it is the tag of what is checked out, else devel- and the last commit of the sources, so that a commit of
# something else changes nothing; where git cannot tell, it is devel.
set -eu
version=${1:-} commit='' room=github.com/greenlight-ecs/greenlight/pkg/version
sources='pkg functions buildtools go.mod go.sum'
# shellcheck disable=SC2086 # a list
if commit=$(git log -1 --format=%H -- $sources 2>/dev/null) && [ -n "$commit" ]; then
	if git diff --quiet HEAD -- $sources 2>/dev/null; then
		: "${version:=$(git describe --exact-match --tags --match 'v[0-9]*' 2>/dev/null || :)}"
	else
		commit=$commit-dirty
	fi
	: "${version:=devel-$(printf %.12s "$commit")${commit#"${commit%-dirty}"}}"
fi
case $version in *[!A-Za-z0-9.+-]*) echo "VERSION=$version: want something like v0.2.0" >&2 && exit 2 ;; esac
echo "-s -w -buildid= -X $room.number=${version:-devel}${commit:+ -X $room.commit=$commit}"
