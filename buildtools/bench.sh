#!/bin/sh
# Measures what the README claims, and says PASS or MISS beside each limit: bench.sh GO
exec "${1:-go}" run ./buildtools/bench
