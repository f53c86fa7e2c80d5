#!/bin/sh
# Makes a release's files in dist/release: release.sh GO VERSION
# Archives of the commands for each platform, functions, gate.yml, iam-policy.json, an image, an SBOM, SHA256SUMS.
# The same commit, Go and VERSION give the same bytes: no times and no paths go in. PLATFORMS and ARCHITECTURES (of
# Lambda) are all, when they are not set; DIRTY=yes lets a tree be released that no commit has.
set -eu
go=$1 version=${2:-} here=$(dirname "$0")
dist=${DIST:-dist}/release work=${DIST:-dist}/release.work
case $version in
v[0-9]*.[0-9]*.[0-9]*) ;;
*) echo "release: VERSION='$version': want something like v0.2.0" >&2 && exit 2 ;;
esac
flags=$(sh "$here/stamp.sh" "$version")
case $flags in
*-dirty*) [ "${DIRTY:-}" = yes ] || { echo "release: the sources are not those of a commit: commit first" >&2 && exit 1; } ;;
esac
say() { echo "release: $* …" >&2; }
sha256() { if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
GOFLAGS=-trimpath CGO_ENABLED=0 LC_ALL=C
export GOFLAGS CGO_ENABLED LC_ALL
tool() { "$go" tool -modfile="$here/release.mod" "$@"; }
build() { # OS ARCH FOLDER TAGS PACKAGE…
	os=$1 arch=$2 out=$3 tags=$4
	shift 4
	mkdir -p "$out"
	GOOS=$os GOARCH=$arch "$go" build -buildvcs=false -tags "$tags" -ldflags="$flags" -o "$out/" "$@"
}
rm -rf "$dist" "$work"
mkdir -p "$dist" "$work/common/completions" "$work/licenses"
"$go" build -buildvcs=false -o "$work/package" ./buildtools/package
pack() { "$work/package" "$dist/$1" "$2"; }
commands='render-taskdef render-appspec smoke greenlight rehearse'
packages=$(printf './buildtools/%s ' $commands)

say "licences of what is linked"
list() { "$go" list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}} {{.Dir}}{{end}}{{end}}' $packages ./functions/...; }
for os in linux darwin windows; do GOOS=$os list; done | sort -u >"$work/modules"
"$go" list -f 'go@{{context.ReleaseTags}} {{.Root}}' runtime | sed 's/\[.* \(go[0-9.]*\)\]/\1/' >>"$work/modules"
while read -r module dir; do
	found=''
	for text in "$dir"/LICEN[SC]E* "$dir"/COPYING* "$dir"/NOTICE*; do
		[ -f "$text" ] || continue
		found=yes sum=$(cksum <"$text" | tr ' ' -)
		cp "$text" "$work/licenses/$sum" && echo "$module" >>"$work/licenses/$sum.modules"
	done
	[ -n "$found" ] || { echo "release: $module has no licence" >&2 && exit 1; }
done <"$work/modules"
for names in "$work"/licenses/*.modules; do # each text once, below the modules that it is of
	cat "$names" && echo && cat "${names%.modules}" && printf '\n%s\n\n' ------------------------------------------------
done >"$work/common/THIRD-PARTY-LICENSES.txt"
cp LICENSE "$work/common/"

say "completions and manual pages"
build "$("$go" env GOHOSTOS)" "$("$go" env GOHOSTARCH)" "$work/host" '' $packages
for command in $commands; do
	for shell in bash zsh fish powershell; do
		"$work/host/$command" completion $shell >"$work/common/completions/$command.$shell"
	done
done
sh "$here/man.sh" "$work/host" "$work/common/man" $commands

for platform in ${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}; do
	os=${platform%/*} arch=${platform#*/}
	say "commands for $platform"
	build "$os" "$arch" "$work/$os-$arch" '' $packages
	cp -R "$work/common/." "$work/$os-$arch"
	case $os in windows) suffix=zip ;; *) suffix=tar.gz ;; esac
	pack "greenlight_${version}_${os}_$arch.$suffix" "$work/$os-$arch"
done
for architecture in ${ARCHITECTURES:-arm64 x86_64}; do # Lambda's names
	say "functions for $architecture"
	case $architecture in arm64) arch=arm64 ;; *) arch=amd64 ;; esac
	build linux "$arch" "$work/functions-$arch" lambda.norpc ./functions/...
	for function in "$work/functions-$arch"/*; do
		mkdir -p "$function.zip" && mv "$function" "$function.zip/bootstrap"
		pack "${function##*/}-$architecture.zip" "$function.zip"
	done
done

# An image for each processor of linux, as a layout of files (OCI image-spec 1.1): no engine is needed to make it.
say "the image"
layout=$work/image
mkdir -p "$layout/blobs/sha256" "$work/roots/etc/ssl/certs"
"$go" run -modfile="$here/release.mod" "$here/package/roots.go" >"$work/roots/etc/ssl/certs/ca-certificates.crt"
size() { wc -c <"$1" | tr -d ' '; }
blob() { # FILE: moves it to its place, and prints its digest
	sum=$(sha256 "$1") && sum=${sum%% *} && mv "$1" "$layout/blobs/sha256/$sum" && echo "$sum"
}
described() { printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' "$1" "$2" "$(size "$layout/blobs/sha256/$2")"; }
manifests=''
for arch in amd64 arm64; do
	[ -d "$work/linux-$arch" ] || continue
	root=$work/root-$arch
	mkdir -p "$root/usr/bin" "$root/usr/share/doc/greenlight" && cp -R "$work/roots/." "$root"
	for command in $commands; do [ "$command" = rehearse ] || cp "$work/linux-$arch/$command" "$root/usr/bin/"; done
	cp "$work/common/LICENSE" "$work/common/THIRD-PARTY-LICENSES.txt" "$root/usr/share/doc/greenlight/"
	"$work/package" "$work/layer.tar" "$root"
	"$work/package" "$work/layer.tar.gz" "$root"
	content=$(sha256 "$work/layer.tar") && content=${content%% *}
	layer=$(blob "$work/layer.tar.gz")
	printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/usr/bin"],"Cmd":["greenlight","-h"],"User":"65532:65532","Labels":{"org.opencontainers.image.version":"%s","org.opencontainers.image.licenses":"Apache-2.0","org.opencontainers.image.source":"https://github.com/greenlight-ecs/greenlight"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"make release"}]}' \
		"$arch" "$version" "$content" >"$work/config"
	config=$(blob "$work/config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s},"layers":[%s}]}' \
		"$(described config.v1+json "$config")" "$(described layer.v1.tar+gzip "$layer")" >"$work/manifest"
	manifests="$manifests${manifests:+,}$(described manifest.v1+json "$(blob "$work/manifest")"),\"platform\":{\"architecture\":\"$arch\",\"os\":\"linux\"}}"
done
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$manifests" >"$layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
pack "greenlight_${version}_image.tar" "$layout"

say "the SBOM"
tool cyclonedx-gomod mod -json -licenses -short-purls -noserial -notimestamp -output "$work/sbom" . >&2
# It reads the version from git, where it can; the release's stands in its place.
awk -v version="$version" -v name=github.com/greenlight-ecs/greenlight '
	named && /"version":/ { named = 0; next }
	{ named = 0; gsub("pkg:golang/" name "(@[^\"?]*)?", "pkg:golang/" name "@" version); print }
	index($0, "\"name\": \"" name "\"") { print "      \"version\": \"" version "\","; named = 1 }
' "$work/sbom" >"$dist/greenlight_$version.cdx.json"

# The gate as it is deployed without Go: its code comes from a bucket, by version.
say "gate.yml and the policy"
cp functions/iam-policy.json "$dist/"
tools=greenlight_${version}_linux_amd64.tar.gz
sum=$([ ! -f "$dist/$tools" ] || sha256 "$dist/$tools") sum=${sum%% *}
awk -v version="$version" -v tools="$tools" -v sum="${sum:-none}" '
	/^[A-Z]/ { section = $1 }
	section == "Metadata:" { sub(/SuiteBucket\]/, "SuiteBucket, CodeBucket]") }
	section == "Mappings:" {
		sub(/Version: devel/, "Version: \"" version "\"")
		sub(/ToolsUri: none/, "ToolsUri: " tools)
		sub(/ToolsSha256: none/, "ToolsSha256: \"" sum "\"")
	}
	$1 == "Code:" && sub(/\.\.\/dist\//, "") {
		sub(/\.zip/, "", $2)
		$0 = "      Code: {S3Bucket: !Ref CodeBucket, S3Key: !Sub \"greenlight/" version "/" $2 "-${Architecture}.zip\"}"
	}
	section == "Outputs:" && /ToolsUri\]/ { $0 = "    Value: !Sub s3://${CodeBucket}/greenlight/" version "/" tools }
	{ print }
	/^Parameters:/ {
		print "  CodeBucket:\n    Type: String\n    AllowedPattern: \"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\""
		print "    Description: The bucket, in the region of the stack, with the files of the release below greenlight/" version "/."
	}' infra/gate.yml >"$dist/gate.yml"
(cd "$dist" && set -- * && sha256 "$@" >"../sums" && mv ../sums SHA256SUMS)
rm -rf "$work"
cat "$dist/SHA256SUMS"
