// The bench-compare command measures how often the comparison of green with blue is wrong, and prints
// it beside the limit: the false alarms of suites whose sides are equal, then what the rules find.
//
// It exits with 1 when a limit is missed. The runs are simulated with fixed seeds: it prints the same everywhere.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func main() {
	os.Exit(run(os.Stdout, os.Stderr))
}

// run prints both tables and returns the exit code.
func run(stdout, stderr io.Writer) int {
	s := measure.NewSheet(stdout)
	falseAlarms(s, 2000)
	power(s)
	if err := s.Close(); err != nil {
		_, _ = fmt.Fprintf(stderr, "bench-compare: %v\n", err)
		return 1
	}
	return 0
}
