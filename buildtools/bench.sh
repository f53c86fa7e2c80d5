#!/bin/sh
# Measures what bench/README.md claims, and says PASS or MISS beside each limit: bench.sh GO
"${1:-go}" run ./buildtools/bench
# How fairly compare judges, in simulated services whose truth is known (seeded).
exec "${1:-go}" test -v ./pkg/compare -run Table -runs 1000
