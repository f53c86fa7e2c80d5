#!/bin/sh
# Installs a release's commands into a folder: install.sh VERSION FOLDER
# SHA256 is the archive's sum; without it, it is that of the release's SHA256SUMS. BASE_URL is where the releases are.
# Nothing is installed whose sum is another.
set -eu
version=${1:-} folder=${2:-}
base=${BASE_URL:-https://github.com/greenlight-ecs/greenlight/releases/download}
fail() { echo "install: $*" >&2 && exit 1; }
case $version in
'' | *[!A-Za-z0-9.+-]*) fail "VERSION='$version': want something like v0.2.0" ;;
esac
[ -n "$folder" ] || fail "usage: install.sh VERSION FOLDER"
kind=tar.gz
case ${OS_NAME:-$(uname -s)} in
Linux) os=linux ;;
Darwin) os=darwin ;;
MINGW* | MSYS* | CYGWIN* | Windows*) os=windows kind=zip ;;
*) fail "there is no archive for $(uname -s)" ;;
esac
case ${MACHINE:-$(uname -m)} in
x86_64 | amd64) arch=amd64 ;;
arm64 | aarch64) arch=arm64 ;;
*) fail "there is no archive for $(uname -m)" ;;
esac
archive=greenlight_${version}_${os}_$arch.$kind
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() { curl -fsSL --retry 3 --max-time 300 -o "$work/$1" "$base/$version/$1" || fail "cannot get $base/$version/$1"; }
get "$archive"
want=${SHA256:-}
if [ -z "$want" ]; then
	get SHA256SUMS
	want=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/SHA256SUMS")
	[ -n "$want" ] || fail "SHA256SUMS of $version does not name $archive"
fi
got=$(if command -v sha256sum >/dev/null 2>&1; then sha256sum "$work/$archive"; else shasum -a 256 "$work/$archive"; fi)
[ "${got%% *}" = "$want" ] || fail "$archive has the sha256 ${got%% *}, want $want: nothing was installed"
mkdir -p "$folder"
case $kind in
zip) unzip -qo "$work/$archive" -d "$folder" ;;
*) tar -xzf "$work/$archive" -C "$folder" ;;
esac
said=$("$folder/smoke" version) || fail "what was installed in $folder does not run here"
echo "installed in $folder: $said, and the others"
