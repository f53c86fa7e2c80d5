package main

import (
	"strings"
	"testing"
)

func TestTheLimitsHoldAndArePrinted(t *testing.T) {
	table, hold := falseAlarms(200) // the command makes 2,000, which take minutes under the race detector
	if !hold {
		t.Errorf("a limit is missed:\n%s", table)
	}
	if got := strings.Count(table, "limit 1 %  PASS"); got != 6 {
		t.Errorf("%d rows within their limit, want 6:\n%s", got, table)
	}
}
