package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
)

// wellFormed fails when a picture is no XML, or holds what a strict policy would refuse.
func wellFormed(t *testing.T, picture string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, picture)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "style" || a.Name.Local == "id" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
	if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
		t.Errorf("numbers that are none in %s", picture)
	}
}

func TestSpansShowWhatLastedAndWhoWasServed(t *testing.T) {
	second := time.Second
	got := plot.Spans("t <1>", []plot.Span{
		{Name: "Install", Note: "Succeeded", From: second, To: 2 * second, Kind: plot.Fine},
		{Name: "Gate", Note: "Failed", From: 2 * second, To: 2 * second, Kind: plot.Broken},
		{Name: "AllowTraffic & " + strings.Repeat("long", 40), Note: "Skipped"},
	}, []plot.Listener{{Name: "production", Steps: []plot.Step{{At: 0}, {At: second, Percent: 25}, {At: 3 * second, Percent: 100}}}}, 4*second)
	wellFormed(t, got)
	for want, n := range map[string]int{
		`<rect class="ok"`: 1, `<rect class="bad"`: 1, `<rect class="old"`: 3, `<rect class="new"`: 2, "width=\"2.0\"": 1, "&lt;1&gt;": 1, "AllowTraffic &amp; longlo…": 0,
	} {
		if c := strings.Count(got, want); n > 0 && c != n {
			t.Errorf("%d of %s, want %d, in %s", c, want, n, got)
		}
	}
	if strings.Contains(got, strings.Repeat("long", 8)) {
		t.Error("a long name is not cut")
	}
	if plot.Spans("t", nil, nil, second) != "" || plot.Spans("t", []plot.Span{{Name: "a"}}, nil, 0) != "" {
		t.Error("a picture of nothing")
	}
}

func TestRequestsAreDrawnByWhoAnswered(t *testing.T) {
	at := func(n int) []plot.Request {
		var all []plot.Request
		for i := range n {
			all = append(all, plot.Request{At: time.Duration(i) * time.Millisecond, Latency: time.Duration(i%50+1) * time.Millisecond})
		}
		return all
	}
	got := plot.Requests("t", at(5), at(7), at(2), time.Second)
	wellFormed(t, got)
	for want, n := range map[string]int{"h0": 5, "l3 3-3 3-3-3z": 7, "l6 6m0-6l-6 6": 2} {
		if c := strings.Count(got, want); c != n {
			t.Errorf("%d marks %s, want %d", c, want, n)
		}
	}
	if many := plot.Requests("t", at(100_000), nil, nil, time.Second); len(many) > 40_000 {
		t.Errorf("100,000 requests take %d bytes: they are not thinned", len(many))
	}
	if plot.Requests("t", nil, nil, nil, time.Second) != "" {
		t.Error("a picture of nothing")
	}
}

func FuzzRequestsStayInThePicture(f *testing.F) {
	f.Add(int64(5), int64(1e6), int64(1e9))
	f.Add(int64(-5), int64(0), int64(1))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, at, latency, total int64) {
		r := []plot.Request{{At: time.Duration(at), Latency: time.Duration(latency)}, {At: time.Duration(total), Latency: time.Millisecond}}
		wellFormed(t, plot.Requests("t", r, nil, r, time.Duration(total)))
		wellFormed(t, plot.Spans("t", []plot.Span{{Name: "a", From: time.Duration(at), To: time.Duration(latency), Kind: plot.Fine}},
			[]plot.Listener{{Name: "l", Steps: []plot.Step{{At: time.Duration(at), Percent: int(latency % 1000)}}}}, time.Duration(total)))
	})
}
