#!/bin/sh
# Runs the benchmarks behind every number that the README claims: bench.sh GO
# Each program measures and compares in one run, and says PASS or MISS beside each limit. All of them
# run; the exit code is 1 when one missed.
go=${1:-go}
code=0
for program in buildtools/bench-*/main.go; do
	dir=${program%/main.go}
	printf '\n== %s\n' "${dir#buildtools/bench-}"
	"$go" run "./$dir" || code=1
done
exit $code
