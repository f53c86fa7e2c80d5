package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func TestTheLimitsHoldAndArePrinted(t *testing.T) {
	var out bytes.Buffer
	s := measure.NewSheet(&out)
	falseAlarms(s, 200) // the command makes 2,000, which take minutes under the race detector
	if err := s.Close(); err != nil {
		t.Errorf("%v:\n%s", err, out.String())
	}
	if got := strings.Count(out.String(), "%, at most 1 %"); got != 6 || strings.Count(out.String(), "PASS") != 6 {
		t.Errorf("%d rows beside their limit, want 6 that pass:\n%s", got, out.String())
	}
}
