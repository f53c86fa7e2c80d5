#!/bin/sh
# Makes the README's picture, .github/rehearsal.png: the page of the demo's bad release, as chromium shows it.
# Needs what `make demo` left in .demo: picture.sh [OUTPUT]
set -eu
out=${1:-.github/rehearsal.png}
page=.demo/report-1.2.0.html
most=200000 # bytes; the README must stay quick to load

[ -r "$page" ] || { echo "picture: there is no $page: run make demo first" >&2; exit 1; }
browser=''
for name in chromium chromium-browser google-chrome chrome; do
	if command -v "$name" >/dev/null 2>&1; then browser=$name && break; fi
done
[ -n "$browser" ] || { echo "picture: chromium is missing" >&2; exit 1; }

profile=$(mktemp -d "${TMPDIR:-/tmp}/greenlight-picture.XXXXXX")
trap 'rm -rf "$profile"' EXIT
"$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking \
	--no-first-run --hide-scrollbars --window-size=1000,760 --force-device-scale-factor=1 \
	--user-data-dir="$profile" --screenshot="$profile/page.png" "file://$PWD/$page" 2>/dev/null
size=$(wc -c <"$profile/page.png" | tr -d ' ')
[ "$size" -le $most ] || { echo "picture: $size bytes, at most $most" >&2; exit 1; }
mkdir -p "$(dirname "$out")"
cp "$profile/page.png" "$out"
echo "$out: $size bytes"
