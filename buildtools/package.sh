#!/bin/sh
# Packs the functions and the build tools into dist/: package.sh GO ARCH [BUCKET]
# ARCH is arm64 or amd64, and is the functions'. With BUCKET, everything is uploaded there, by content, and
# dist/gate.yml and dist/bluegreen.yml name the places. PROCESSORS are those of the build tools; both, when it is
# not set. Credentials, region and AWS_ENDPOINT_URL are the AWS command line's own.
# The same commit gives the same bytes: no times and no paths go in, and of the repository only the last commit of the
# sources, or its tag, by which a program says what it is.
set -eu
go=$1 arch=${2:-arm64} bucket=${3:-}
dist=${DIST:-dist}
case $arch in
arm64) lambda=arm64 ;;
amd64) lambda=x86_64 ;;
*) echo "package: ARCH=$arch is no processor of Lambda: want arm64 or amd64" >&2 && exit 2 ;;
esac
if [ -n "$bucket" ] && ! command -v aws >/dev/null 2>&1; then
	echo "package: the AWS command line (aws) is missing, which uploads to BUCKET: https://aws.amazon.com/cli/" >&2
	exit 1
fi

rm -rf "$dist/bin" "$dist/templates" "$dist/gate.yml" "$dist/bluegreen.yml"
mkdir -p "$dist/templates"
flags=$(sh "$(dirname "$0")/stamp.sh")
version=${flags##*version.number=} version=${version%% *}
n=0 total=$((5 + 4 * $(set -- ${PROCESSORS:-amd64 arm64} && echo $#)))
build() { # PROCESSOR OUTPUT PACKAGE
	n=$((n + 1))
	echo "package: building $n of $total: ${3##*/} for $1 …" >&2
	CGO_ENABLED=0 GOOS=linux GOARCH=$1 GOFLAGS='' "$go" build -trimpath -buildvcs=false -tags lambda.norpc \
		-ldflags="$flags" -o "$2" "$3"
}
for function in after-allow-test-traffic before-allow-traffic after-allow-traffic prober notifier; do
	build "$arch" "$dist/bin/functions/$function/bootstrap" "./functions/$function"
done
for processor in ${PROCESSORS:-amd64 arm64}; do
	for tool in render-taskdef render-appspec smoke greenlight; do
		build "$processor" "$dist/bin/tools/$processor/$tool" "./buildtools/$tool"
	done
done
"$go" run ./buildtools/package "$dist" >"$dist/sums"
cat "$dist/sums"
rm -rf "$dist/bin"
[ -n "$bucket" ] || exit 0

# Keys are by content: nothing that a stack refers to is ever written over.
tools='' sum=''
while read -r digest file; do
	case $file in
	*.tar.gz)
		uri=s3://$bucket/greenlight/$digest/${file##*/}
		aws s3 cp --only-show-errors "$file" "$uri"
		# The build runs on this processor (BuildImage).
		case $file in *-amd64.tar.gz) tools=$uri sum=$digest ;; esac
		;;
	esac
done <"$dist/sums"

# The templates get the defaults that only a package knows; the AWS command line uploads what they name, and
# writes where it is. The second one holds the first.
for template in gate bluegreen; do
	awk -v lambda="$lambda" -v tools="$tools" -v sum="$sum" -v version="$version" '
		/^[A-Z]/ { section = $1 }
		section == "Mappings:" {
			sub(/Version: devel/, "Version: \"" version "\"")
			sub(/ToolsUri: none/, "ToolsUri: \"" tools "\"")
			sub(/ToolsSha256: none/, "ToolsSha256: \"" sum "\"")
		}
		/^  [A-Za-z0-9]+:/ { name = $1 }
		name == "Architecture:" && $1 == "Default:" { $0 = "    Default: " lambda }
		{ sub(/: \.\.\/dist\//, ": ../"); print }
		section == "Parameters:" && /^  ToolsUri:$/ { print "    Default: " tools }
		section == "Parameters:" && /^  ToolsSha256:$/ { print "    Default: \"" sum "\"" }
	' "${TEMPLATES:-infra}/$template.yml" >"$dist/templates/$template.yml"
done
for template in gate bluegreen; do
	aws cloudformation package --template-file "$dist/templates/$template.yml" --s3-bucket "$bucket" \
		--s3-prefix greenlight --output-template-file "$dist/$template.yml" >/dev/null
done
echo "uploaded to s3://$bucket; the console takes $dist/gate.yml and $dist/bluegreen.yml as they are"
