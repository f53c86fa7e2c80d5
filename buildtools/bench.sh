#!/bin/sh
# Measures what bench/README.md claims, and says PASS or MISS beside each limit: bench.sh GO
exec "${1:-go}" run ./buildtools/bench
