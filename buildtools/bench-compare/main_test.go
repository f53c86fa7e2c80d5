package main

import (
	"strings"
	"testing"
)

func TestTheLimitsHoldAndArePrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("2,000 runs a row take some seconds; the short form is in pkg/compare/calibrate")
	}
	table, hold := falseAlarms()
	if !hold {
		t.Errorf("a limit is missed:\n%s", table)
	}
	if got := strings.Count(table, "limit 1 %  PASS"); got != 6 {
		t.Errorf("%d rows within their limit, want 6:\n%s", got, table)
	}
}
