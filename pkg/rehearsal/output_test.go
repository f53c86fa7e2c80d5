package rehearsal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// Of a flood the end is kept: there it says why. What is no log line is always kept, in its order.
func TestTheLastLinesAreKept(t *testing.T) {
	s := &stream{redactor: redact.New(), shared: strings.NewReplacer()}
	s.note("begins")
	const lines = 5*maxLogLines + 70
	for i := range lines {
		s.send(Event{Kind: KindLog, Source: "green/1", Text: fmt.Sprint(i)})
	}
	s.note("ends")
	all, first := s.kept, s.dropped
	if kept := len(all) - 2; first+kept != lines || kept < maxLogLines || kept > 2*maxLogLines {
		t.Fatalf("%d lines are kept, %d dropped", kept, first)
	}
	for i, e := range all[1 : len(all)-1] {
		if want := fmt.Sprint(first + i); e.Text != want {
			t.Fatalf("line %d is %q, want %q", i, e.Text, want)
		}
	}
	if all[0].Text != "begins" || all[len(all)-1].Text != "ends" {
		t.Errorf("begins with %q, ends with %q", all[0].Text, all[len(all)-1].Text)
	}
}
