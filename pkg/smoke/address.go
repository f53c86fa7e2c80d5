package smoke

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

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
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)])
	return net.JoinHostPort(canonicalHost(u.Hostname()), strings.TrimLeft(port, "0"))
}

func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		if !ip.IsLoopback() && !ip.IsUnspecified() {
			return ip.String()
		}
		host = "localhost"
	}
	if strings.HasSuffix(host, ".localhost") {
		return "localhost"
	}
	return host
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
