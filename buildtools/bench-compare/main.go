// The bench-compare command measures how often the comparison of green with blue is wrong, and prints
// it beside the limit: the false alarms of suites whose sides are equal, then what the rules find.
//
// It exits with 1 when a limit is missed. The runs are simulated with fixed seeds: it prints the same everywhere.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Stdout, os.Stderr))
}

// run prints both tables and returns the exit code.
func run(stdout, stderr io.Writer) int {
	alarms, hold := falseAlarms(2000)
	if _, err := io.WriteString(stdout, alarms+"\n"+power()); err != nil {
		_, _ = fmt.Fprintf(stderr, "bench-compare: %v\n", err) // nobody is left to tell
		return 1
	}
	if !hold {
		return 1
	}
	return 0
}
