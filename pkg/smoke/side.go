package smoke

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	headers http.Header // of every request, in place of the suite's; one without a value is removed
	session *attempt    // the setup that ran on this side, nil without one: what it captured, and its cookies
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

// side makes a side of the job, never led to where the other one is. The suite's host is sent where it leads there.
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

// BaseURL checks a side's URL: scheme, host and port, and nothing else. No error quotes it: it may hold a password.
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

// Side is the way to one release: made once, and used by all that asks it, in readiness, checks and comparisons. What
// leads to one side is never sent to the other, whatever the suite says.
type Side struct {
	URL string `json:"url"` // the base URL: "http://alb.example:8080"
	// Addrs ("10.0.1.7:8080") are dialled in turn instead of the URL's host; Host header, SNI and certificate stay.
	Addrs []string `json:"addrs,omitempty"`
	// Headers and Query are what the listener's rule asks for, a value for each; they win over the suite's.
	Headers map[string]string `json:"headers,omitempty"`
	Query   map[string]string `json:"query,omitempty"`
	// Hosts and Paths are patterns with * and ?, one of which the Host header and the path of each request have to fit.
	// None: any. A path is the suite's to choose: one that does not fit cannot be asked.
	Hosts []string `json:"hosts,omitempty"`
	Paths []string `json:"paths,omitempty"`
}

// testHeader is what leads to the new release where nobody chose another header (Amazon ECS's Service Connect).
const testHeader = "X-Amzn-Ecs-Blue-Green-Test"

// host is the Host header to send, or "" for the URL's own: the suite's where the rule takes it.
func (s Side) host(ofSuite string) string {
	u, err := url.Parse(s.URL)
	switch {
	case len(s.Hosts) == 0 || fits(s.Hosts, ofSuite):
		return ofSuite
	case err == nil && ofSuite == "" && fits(s.Hosts, u.Hostname()):
		return ""
	}
	return strings.NewReplacer("*", "x", "?", "x").Replace(s.Hosts[0])
}

// steer keeps URLs on the side: it says why a path is not there, and puts the rule's query in the place of the other's.
func (s Side) steer(other Side) func(*url.URL) string {
	return func(u *url.URL) string {
		if len(s.Paths) > 0 && !fits(s.Paths, u.EscapedPath()) {
			return fmt.Sprintf("the listener rule that leads there takes the paths %s only", strings.Join(s.Paths, ", "))
		}
		query := u.Query()
		for name := range other.Query {
			query.Del(name)
		}
		for name, value := range s.Query {
			query.Set(name, value)
		}
		if len(s.Query)+len(other.Query) > 0 {
			u.RawQuery = query.Encode()
		}
		return ""
	}
}

// apart reports whether something that leads to the target is never in a request to the baseline: a header, a part of
// the query, the host. A path is not: both sides are asked for the same.
func (j Job) apart(s *suite.Suite) bool {
	return !within(j.Target.Headers, j.Baseline.Headers) || !within(j.Target.Query, j.Baseline.Query) ||
		len(j.Target.Hosts) > 0 && !fits(j.Target.Hosts, j.sends(s, j.Baseline))
}

// sends is the host that requests of the suite to a side name.
func (j Job) sends(s *suite.Suite, to Side) string {
	vars, _ := s.Bind(j.Release, j.DeploymentID, j.Values)
	host, _ := s.HostHeader(suite.Scope{Vars: vars}) // a run refuses one that is wrong
	u, err := url.Parse(to.URL)
	if host = to.host(host); host != "" || err != nil {
		return host
	}
	return u.Hostname()
}

// OnlyPathsApart reports whether only a path tells the sides apart: then the old release cannot be asked for the same.
func (j Job) OnlyPathsApart(s *suite.Suite) bool {
	return SameAddress(j.Target.URL, j.Baseline.URL) && len(j.Target.Paths) > 0 && !j.apart(s)
}

// fits reports whether a text fits a rule's pattern, with * for any text and ? for a character, and case in paths only.
func fits(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		p = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p))
		if !strings.HasPrefix(text, "/") {
			p = "(?i)" + p
		}
		ok, err := regexp.MatchString("^(?s:"+p+")$", text)
		return err == nil && ok
	})
}

// Header returns the value of a header that leads there, in whatever case it is written; empty where there is none.
func (s Side) Header(header string) string {
	for name, value := range s.Headers {
		if strings.EqualFold(name, header) {
			return value
		}
	}
	return ""
}

// within reports whether the other side's requests have the same.
func within(part, whole map[string]string) bool {
	for name, value := range part {
		if (Side{Headers: whole}).Header(name) != value {
			return false
		}
	}
	return true
}

// lookupTime bounds looking two names up to see whether they are one address.
const lookupTime = 2 * time.Second

// SameAddress reports whether two base URLs lead to the same host and port, however they are written: case, a dot or
// slash at the end, the scheme's default port and loopback's other names make no difference.
func SameAddress(a, b string) bool {
	first, second := dialled(a), dialled(b)
	return first != "" && first == second
}

// dialled returns a base URL's host and port in one canonical form, or "" when it is not a URL.
func dialled(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	ip, err := netip.ParseAddr(host)
	switch ip = ip.Unmap(); {
	case err != nil && strings.HasSuffix(host, ".localhost"), ip.IsLoopback(), err == nil && ip.IsUnspecified():
		host = "localhost"
	case err == nil:
		host = ip.String()
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)])
	return net.JoinHostPort(host, strings.TrimLeft(port, "0"))
}

// OneAddress says that the job's target and baseline cannot be told apart, or "" where they can: by an address, or by
// what a listener rule asks for on the way to the target only. Where the suite says the Host header, both sides get
// the same, and no load balancer could tell two names apart. A run warns of it, since somebody may want to see how a
// release differs from itself; a gate must refuse it.
func OneAddress(ctx context.Context, s *suite.Suite, j Job) string {
	same := false
	switch {
	case j.Baseline.URL == "" || j.apart(s):
	case len(j.Target.Addrs) > 0 && len(j.Baseline.Addrs) > 0:
		same = overlap(j.Target.Addrs, j.Baseline.Addrs)
	case SameAddress(j.Target.URL, j.Baseline.URL):
		same = true
	case s.SaysHost():
		same = overlap(lookedUp(ctx, j.Target.URL), lookedUp(ctx, j.Baseline.URL))
	}
	if !same {
		return ""
	}
	return fmt.Sprintf("target and baseline are the same address, %s: the new release is compared with itself",
		shownURL(j.Target.URL))
}

// LeadsTo reports whether a base URL is another one, or has another name for the same addresses.
func LeadsTo(ctx context.Context, asked, base string) bool {
	if SameAddress(asked, base) {
		return true
	}
	ours, theirs := lookedUp(ctx, asked), lookedUp(ctx, base)
	return len(ours) > 0 && !slices.ContainsFunc(ours, func(a string) bool { return !slices.Contains(theirs, a) })
}

// lookedUp returns the addresses of a base URL's host; none when its name does not resolve.
func lookedUp(ctx context.Context, base string) []string {
	host, port, err := net.SplitHostPort(dialled(base))
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	found, _ := net.DefaultResolver.LookupHost(ctx, host)
	for i, address := range found {
		found[i] = net.JoinHostPort(address, port)
	}
	return found
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
}
