package smoke

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/time/rate"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const greenSide, blueSide = "green", "blue"

// side is the target or the baseline, with the suite's rate limit, which holds for each of them alone.
type side struct {
	name    string // greenSide or blueSide, which is ${SIDE}
	way     Side
	other   Side // where the same address leads to both
	client  *probe.Client
	limiter *rate.Limiter
	// headers are set in every request to this side and replace the suite's. A header without a value is removed.
	headers http.Header
	// session is the setup that ran on this side, nil without one: what it captured, and its cookies.
	session *attempt
}

// ask sends one request when the rate allows it.
func (s *side) ask(ctx context.Context, q probe.Request) probe.Observation {
	if s.limiter != nil {
		// The limiter's Wait fails at once when its turn would come after ctx's deadline. The caller waits for the
		// deadline instead, so that an interrupted request always means that the context has ended.
		turn := s.limiter.Reserve()
		if !Pause(ctx, turn.Delay()) {
			turn.Cancel()
			return probe.Observation{Fault: probe.FaultInterrupted, Text: "interrupted"}
		}
	}
	return s.client.Do(ctx, q)
}

func (s *side) close() {
	if s != nil {
		s.client.Close()
	}
}

// side makes a side of the job, which must not be led to where the other one is. The suite's own host is sent where it
// leads there.
func (r *runner) side(name string, way, other Side, host string) (*side, error) {
	base, err := BaseURL(way.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := &side{name: blueSide, way: way, headers: http.Header{testHeader: nil}}
	if name == "target" {
		out.name, out.headers = greenSide, http.Header{}
	}
	if SameAddress(way.URL, other.URL) {
		out.other = other
	}
	for name := range other.Headers {
		out.headers[http.CanonicalHeaderKey(name)] = nil
	}
	for header, value := range way.Headers {
		canonical, err := suite.CheckHeader(header, value)
		if err == nil && out.headers[canonical] != nil {
			err = fmt.Errorf("%s is given twice, in other letters: keep one", canonical)
		}
		if err != nil {
			return nil, fmt.Errorf("a header that leads to the %s: %w", name, err)
		}
		out.headers[canonical] = []string{value}
	}
	t := probe.Target{
		URL: base, Addrs: way.Addrs, Host: way.host(host), Steer: way.steer(other),
		Connections: r.concurrency(), Dial: r.dial,
	}
	t.Roots, t.ServerName = r.suite.Roots, r.suite.ServerName
	out.client = probe.New(t)
	if r.suite.Rate > 0 {
		out.limiter = rate.NewLimiter(rate.Limit(r.suite.Rate), 1)
	}
	return out, nil
}

// shownURL returns a target's URL as a report may show it: without a user name and password.
func shownURL(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Redacted()
}

// BaseURL checks a target's or baseline's URL: scheme, host and port, and nothing else. No error quotes it: it may
// hold a password.
func BaseURL(base string) (*url.URL, error) {
	const want = "want http://host:port or https://host"
	u, err := url.Parse(base)
	switch {
	case err != nil: // not quoted: it may hold a password
		return nil, fmt.Errorf("that is not a URL: %s", want)
	case u.User != nil:
		return nil, fmt.Errorf("a URL with a user name is refused: send an Authorization header")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("that is not a URL that can be asked: %s", want)
	case u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("that is not only a scheme and a host: %s", want)
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("that has no port between 1 and 65535: %s", want)
		}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}
