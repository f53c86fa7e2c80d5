package probe

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// redirect reads where a response redirects to. It returns nil when that is not to be followed; the observation has a
// fault when it must not be.
func (x *exchange) redirect(resp *http.Response, from *url.URL) (*url.URL, Observation) {
	o := Observation{Status: resp.StatusCode, Header: resp.Header, Location: resp.Header.Get("Location")}
	if x.request.KeepRedirect || o.Location == "" || !slices.Contains([]int{301, 302, 303, 307, 308}, o.Status) {
		return nil, o
	}
	next, err := from.Parse(o.Location)
	why := ""
	switch {
	case err != nil:
		o.Fault, o.Text = FaultProtocol, fmt.Sprintf("redirects to %q, which is not a URL", o.Location)
		return nil, o
	case x.client.owns(x.request, next):
		// The redirect may name the Host header's host; the request still goes to the target's address.
		next.Scheme, next.Host, next.User, next.Fragment = from.Scheme, from.Host, nil, ""
		if why = x.client.target.Steer(next); why == "" {
			return next, o
		}
		why = ": " + why
	}
	o.Fault, o.Text = FaultRedirectAway, fmt.Sprintf("redirects away from the target, to %q%s", o.Location, why)
	return nil, o
}

// owns reports whether the URL is the target's: the same scheme and port, and the target's name or the
// one that the request's Host header carries. Another port is another listener, and so another release.
func (c *Client) owns(r Request, u *url.URL) bool {
	t := c.target
	if !strings.EqualFold(u.Scheme, t.URL.Scheme) || port(u) != port(t.URL) {
		return false
	}
	host := (&url.URL{Host: cmp.Or(r.Host, t.Host, t.URL.Host)}).Hostname()
	return strings.EqualFold(u.Hostname(), t.URL.Hostname()) || strings.EqualFold(u.Hostname(), host)
}

func port(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"https": "443"}[strings.ToLower(u.Scheme)], "80")
}
