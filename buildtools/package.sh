#!/bin/sh
# Packs the functions and the build tools into dist/: package.sh GO ARCH [BUCKET]
# ARCH is arm64 or amd64, and is the functions'. With BUCKET, everything is uploaded there, by content, and
# dist/gate.yml and dist/bluegreen.yml name the places. STACK and PARAMETERS in the environment are checked first.
# PROCESSORS are those of the build tools; both, when it is not set.
# The same sources give the same bytes: no times, no paths, no state of the repository goes in.
set -eu
go=$1 arch=${2:-arm64} bucket=${3:-}
dist=${DIST:-dist}
case $arch in
arm64) lambda=arm64 ;;
amd64) lambda=x86_64 ;;
*) echo "package: ARCH=$arch is no processor of Lambda: want arm64 or amd64" >&2 && exit 2 ;;
esac

rm -rf "$dist/bin" "$dist/upload"
mkdir -p "$dist"
build() { # PROCESSOR OUTPUT PACKAGE
	CGO_ENABLED=0 GOOS=linux GOARCH=$1 GOFLAGS='' "$go" build -trimpath -buildvcs=false -tags lambda.norpc \
		-ldflags='-s -w -buildid=' -o "$2" "$3"
}
for function in after-allow-test-traffic before-allow-traffic prober; do
	build "$arch" "$dist/bin/functions/$function/bootstrap" "./functions/$function"
done
for processor in ${PROCESSORS:-amd64 arm64}; do
	for tool in render-taskdef render-appspec smoke; do
		build "$processor" "$dist/bin/tools/$processor/$tool" "./buildtools/$tool"
	done
done
"$go" run ./buildtools/package --dist "$dist" --templates "${TEMPLATES:-infra}" --architecture "$lambda" --bucket "$bucket" \
	--stack "${STACK:-}" --parameters "${PARAMETERS:-}"
rm -rf "$dist/bin"

[ -n "$bucket" ] || exit 0
# Keys are by content, so what is there already is the same.
aws s3 sync --only-show-errors --size-only "$dist/upload" "s3://$bucket"
echo "uploaded to s3://$bucket; the console takes $dist/gate.yml and $dist/bluegreen.yml as they are"
