package plot_test

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
)

const ms = time.Millisecond

func draw(t testing.TB, values ...time.Duration) string {
	t.Helper()
	return plot.Pictures("Latency", "", [2]string{"first", "last"}, []plot.Series{{Name: "green", Values: values, P50: 100 * ms, P95: 200 * ms}, {Name: "blue", Values: []time.Duration{90 * ms}, P50: 90 * ms, P95: 90 * ms}})
}

func TestNothingToDrawIsNoPicture(t *testing.T) {
	if got := plot.Pictures("x", "", [2]string{"first", "last"}, []plot.Series{{Name: "green"}, {Name: "blue"}}); got != "" {
		t.Errorf("got %s", got)
	}
	if got := plot.Pictures("x", "", [2]string{"first", "last"}, nil); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestThePictureTellsItsFiguresAloud(t *testing.T) {
	want := `<title>How often which value came. Latency. green: 2 values, median 100 ms, 95th percentile 200 ms; blue: 1 values, median 90 ms, 95th percentile 90 ms</title>`
	if got := draw(t, 100*ms, 200*ms); !strings.Contains(got, want) {
		t.Errorf("%s\ndoes not say\n%s", got, want)
	}
}

func TestTheSidesDifferInShapeToo(t *testing.T) {
	got := draw(t, 100*ms, 200*ms, 300*ms)
	if n := strings.Count(got, "h0"); n != 3 {
		t.Errorf("%d dots, want 3", n)
	}
	if n := strings.Count(got, "l3 3-3 3-3-3z"); n != 1 {
		t.Errorf("%d diamonds, want 1", n)
	}
}

func TestNoOutlierIsLostAmongMany(t *testing.T) {
	values := make([]time.Duration, 100_000)
	for i := range values {
		values[i] = 100 * ms
	}
	values[77_777] = 130 * ms
	got := draw(t, values...)
	if n := strings.Count(got, "h0"); n > 600 {
		t.Errorf("%d marks, want at most 600", n)
	}
	// The slowest is near the top, and nothing else is.
	alone, _, _ := strings.Cut(got[strings.Index(got, `class="s1 dots"`):], `"/>`)
	heights := map[string]int{}
	for _, mark := range strings.Split(alone, "M")[1:] {
		heights[strings.Fields(mark)[1]]++
	}
	if len(heights) != 2 {
		t.Errorf("marks at %d heights, want 2: %v", len(heights), heights)
	}
}

func TestAWideRangeIsLogarithmic(t *testing.T) {
	got := draw(t, ms, 10*ms, 100*ms, time.Second, 10*time.Second)
	for _, want := range []string{">1 ms<", ">10 ms<", ">100 ms<", ">1 s<", ">10 s<"} {
		if !strings.Contains(got, want) {
			t.Errorf("no tick %s:\n%s", want, got)
		}
	}
	if got := draw(t, 80*ms, 200*ms); !strings.Contains(got, ">0<") {
		t.Errorf("a narrow range does not begin at 0:\n%s", got)
	}
}

// Any latencies give a well-formed picture without the marks of bad arithmetic, of bounded size.
func FuzzPictures(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, int64(1), int64(2), "title")
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0}, int64(math.MinInt64), int64(math.MaxInt64), "<&\x00>")
	f.Fuzz(func(t *testing.T, data []byte, p50, p95 int64, title string) {
		var values []time.Duration
		for ; len(data) >= 8; data = data[8:] {
			values = append(values, time.Duration(binary.LittleEndian.Uint64(data)))
		}
		got := plot.Pictures("t", "", [2]string{"first", "last"}, []plot.Series{{Name: title, Values: values, P50: time.Duration(p50), P95: time.Duration(p95)}})
		if strings.Contains(got, "NaN") || strings.Contains(got, "Inf") || len(got) > 64<<10+8*len(title) {
			t.Fatalf("%d bytes: %.500s", len(got), got)
		}
		if !strings.ContainsFunc(title, func(r rune) bool { return r < ' ' || r > '~' }) {
			for d := xml.NewDecoder(strings.NewReader("<p>" + got + "</p>")); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%v: %s", err, got)
				}
			}
		}
	})
}

// What came is counted by where it is on the scale, as a share of its own side.
func TestTheSpreadIsOfEachSidesOwn(t *testing.T) {
	values := []time.Duration{10 * ms, 10 * ms, 10 * ms, 100 * ms}
	got := plot.Pictures("t", "", [2]string{"a", "b"}, []plot.Series{{Name: "green", Values: values}, {Name: "blue", Values: []time.Duration{-1, 50 * ms, 70 * ms}}})
	if n := strings.Count(got, "<svg"); n != 2 {
		t.Fatalf("%d pictures", n)
	}
	if !strings.Contains(got, ">75 %<") {
		t.Errorf("three of four are not 75 %%: %s", got)
	}
	for class, want := range map[string]int{"new area": 2, "old": 2} {
		_, path, _ := strings.Cut(got, `<path class="`+class+`" d="`)
		path, _, _ = strings.Cut(path, `"`)
		bars := 0
		for _, step := range strings.Split(path, "V")[1:] {
			if !strings.HasPrefix(step, "186") {
				bars++
			}
		}
		if bars != want {
			t.Errorf("%s has %d bars, want %d: %s", class, bars, want, path)
		}
	}
	if got = plot.Pictures("t", "a minute", [2]string{"a", "b"}, []plot.Series{{Name: "green", Values: []time.Duration{1500 * ms}}}); !strings.Contains(got, ">1500<") || strings.Contains(got, "NaN") {
		t.Errorf("1500 of a unit are not 1500: %s", got)
	}
}
