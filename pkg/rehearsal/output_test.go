package rehearsal

import (
	"fmt"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// Of a flood the end is kept: there it says why. What is no log line is always kept, in its order.
func TestTheLastLinesAreKept(t *testing.T) {
	s := &stream{redactor: redact.New()}
	s.note("begins")
	const lines = 2*maxLogLines + 70
	for i := range lines {
		s.send(Event{Kind: KindLog, Source: "green/1", Text: fmt.Sprint(i)})
	}
	s.note("ends")
	all, dropped := s.timeline()
	if len(all) != maxLogLines+2 || dropped != lines-maxLogLines {
		t.Fatalf("%d events are kept, %d lines dropped", len(all), dropped)
	}
	for i, e := range all[1 : len(all)-1] {
		if want := fmt.Sprint(lines - maxLogLines + i); e.Text != want {
			t.Fatalf("line %d is %q, want %q", i, e.Text, want)
		}
	}
	if all[0].Text != "begins" || all[len(all)-1].Text != "ends" {
		t.Errorf("begins with %q, ends with %q", all[0].Text, all[len(all)-1].Text)
	}
	if cap(s.lines) > 2*maxLogLines+maxLogLines/2 {
		t.Errorf("room for %d lines is held", cap(s.lines))
	}
}
