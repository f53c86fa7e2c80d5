package alb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HealthCheck is how a target group asks its targets.
type HealthCheck struct {
	// Path is "/" when it is empty.
	Path string
	// Codes are the statuses that count as healthy. AWS's default is 200 alone. Here it is everything below
	// 500, since the target group's settings are not known: an application without a home page must not
	// count as dead.
	Codes Codes
	// Interval is the pause between two checks of a target, Timeout what one may take.
	Interval, Timeout time.Duration
	// Threshold is how many in a row change a target's state.
	Threshold int
}

// Asks returns the path that is asked.
func (h HealthCheck) Asks() string { return cmp.Or(h.Path, "/") }

// Codes are ranges of statuses, as a target group's matcher has them: "200-299,404".
type Codes []Range

// Range is a range of statuses, both ends included.
type Range struct{ Low, High int }

// ParseCodes reads a matcher.
func ParseCodes(text string) (Codes, error) {
	var codes Codes
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < 200 || to > 499 || from > to {
			return nil, errors.New("want statuses from 200 to 499, like 200 or 200-299,404")
		}
		codes = append(codes, Range{from, to})
	}
	return codes, nil
}

// String writes the matcher as AWS does.
func (c Codes) String() string {
	if len(c) == 0 {
		return "200-499"
	}
	parts := make([]string, 0, len(c))
	for _, r := range c {
		if r.Low == r.High {
			parts = append(parts, strconv.Itoa(r.Low))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", r.Low, r.High))
		}
	}
	return strings.Join(parts, ",")
}

// accept reports whether a status counts as healthy.
func (c Codes) accept(status int) bool {
	if len(c) == 0 {
		return status < http.StatusInternalServerError
	}
	return slices.ContainsFunc(c, func(r Range) bool { return status >= r.Low && status <= r.High })
}

// watch checks one target until ctx ends.
func (g *Group) watch(ctx context.Context, t *Target) {
	// Checks have connections of their own: a target whose connections are all busy is not ill.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       g.check.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tick := time.Tick(g.check.Interval)
	state := map[bool]Health{true: Healthy, false: Unhealthy}
	for streak, last := 0, false; ; {
		ok := g.ask(ctx, client, "http://"+t.Addr+g.check.Asks())
		if ctx.Err() != nil {
			return
		}
		if ok != last {
			streak, last = 0, ok
		}
		if streak++; streak >= g.check.Threshold {
			t.health.Store(int32(state[ok]))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// ask reports whether the target answers as the health check wants.
func (g *Group) ask(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	request.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	return g.check.Codes.accept(response.StatusCode)
}
