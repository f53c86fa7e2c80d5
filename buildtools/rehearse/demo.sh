#!/bin/sh
# The demo: a good release of the trip management application and two bad ones, from the template of the
# task definition to the end of the deployment. Needs nothing but the binaries: demo.sh BIN. Where BIN has no functions, as an
# archive of a release, rehearse is the hooks itself.
set -eu
bin=$1
app=infra/tripmgmt
out=.demo
mkdir -p "$out"
hooks=''
if [ -x "$bin/after-allow-test-traffic" ]; then hooks=--hooks=$bin; fi

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# rehearse_release RELEASE COMMAND [SUITE]: renders the release's files, rehearses it, and returns its exit code.
rehearse_release() {
	watch=''
	if [ $# -gt 2 ]; then watch='--hook AfterAllowTraffic=CodeDeployHook_tripmgmt_AfterAllowTraffic'; fi
	image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/devops/tripmgmtdemo:$1"
	"$bin/render-taskdef" -q -o "$out/taskdef-$1.json" --env-file "$app/demo.env" \
		--image "$image" --release "$1" "$app/taskdef_src.json"
	"$bin/render-appspec" -q -o "$out/appspec-$1.yaml" --taskdef "$out/taskdef-$1.json" \
		--capacity-provider tripmgmt-capacity \
		--hook AfterAllowTestTraffic=CodeDeployHook_tripmgmt_AfterAllowTestTraffic \
		--hook BeforeAllowTraffic=CodeDeployHook_tripmgmt_BeforeAllowTraffic $watch
	echo "rendered $out/taskdef-$1.json and $out/appspec-$1.yaml from $app/taskdef_src.json"
	code=0
	"$bin/rehearse" --taskdef "$out/taskdef-$1.json" --appspec "$out/appspec-$1.yaml" --suite "${3:-$app/smoke.yaml}" \
		--blue builtin:good --green "$2" --production-port 0 --test-port 0 ${hooks:+"$hooks"} \
		--speed 200 --watch-minute 1s --traffic 50 --report "json=$out/report-$1.json" --report "html=$out/report-$1.html" || code=$?
	return $code
}

title "1. A good release: 1.1.0"
code=0
rehearse_release 1.1.0 builtin:good || code=$?
if [ $code -ne 0 ]; then
	echo "demo: the good release was expected to be shifted (exit 0), but rehearse exited with $code" >&2
	exit 1
fi

title "2. A release that breaks one route: 1.2.0 answers GET /api/trips with 500"
code=0
rehearse_release 1.2.0 builtin:500 || code=$?
if [ $code -ne 1 ]; then
	echo "demo: the bad release was expected to be rolled back (exit 1), but rehearse exited with $code" >&2
	exit 1
fi

title "3. A release that only its users notice: 1.3.0 answers every 4th of their requests with 500, and none of the suite's"
{ cat "$app/smoke.yaml"; printf '\nwatch: {for: 3m, errors: 1%%}\n'; } >"$out/watched.yaml"
code=0
rehearse_release 1.3.0 builtin:leak "$out/watched.yaml" || code=$?
if [ $code -ne 1 ]; then
	echo "demo: the release that leaks was expected to be rolled back (exit 1), but rehearse exited with $code" >&2
	exit 1
fi

title "All as a page: $out/report-1.1.0.html, $out/report-1.2.0.html, $out/report-1.3.0.html"

cat >"$out/mine.yaml" <<'YAML'
version: 1
name: mine
readiness: {checks: [front page], within: 10s}
checks:
  - name: front page
    request: GET /
    expect: {status: 200}
YAML

title "Three things to try next, each takes seconds"
cat <<TEXT
  1. Look at a rendered file, or break the template and render it again:
       $bin/render-taskdef -o - --env-file $app/demo.env --image app:1 $app/taskdef_src.json
  2. Rehearse your own version: any command that serves on \$PORT, and a suite for it, here of one request
       $bin/rehearse --taskdef $out/taskdef-1.1.0.json --appspec $out/appspec-1.1.0.yaml \\
         --suite $out/mine.yaml --blue builtin:good --green 'python3 -m http.server \$PORT' \\
         --production-port 0 --test-port 0
  3. Read the suite that decided, $app/smoke.yaml, and see which faults it would let through: two here, all in minutes
       $bin/rehearse faults --taskdef $out/taskdef-1.1.0.json --appspec $out/appspec-1.1.0.yaml \\
         --suite $app/smoke.yaml --blue builtin:good --green builtin:good \\
         --fault 500 --fault redirect --route 'GET /' --only 'GET /' --only 'GET /api/trips'
TEXT
