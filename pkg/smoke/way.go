package smoke

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Side is the way to one release: made once, and used by all that asks it, in readiness, checks and comparisons. What
// leads to one side is never sent to the other, whatever the suite says.
type Side struct {
	URL string `json:"url"` // the base URL: "http://alb.example:8080"
	// Addrs are addresses ("10.0.1.7:8080") to dial, in turn, instead of resolving the URL's host; the Host header, SNI
	// and certificate check stay the URL's.
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
