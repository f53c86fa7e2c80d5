package probe

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// redirect reads where a response redirects to. It returns next when that is to be followed; otherwise done is true,
// and the observation has a fault when following it is forbidden.
func (x *exchange) redirect(resp *http.Response, from *url.URL) (next *url.URL, o Observation, done bool) {
	location := resp.Header.Get("Location")
	if x.request.KeepRedirect || location == "" || !slices.Contains([]int{301, 302, 303, 307, 308}, resp.StatusCode) {
		return nil, Observation{}, true
	}
	o = Observation{Status: resp.StatusCode, Header: resp.Header, Location: location}
	next, err := from.Parse(location)
	switch {
	case err != nil:
		o.Fault, o.Text = FaultProtocol, fmt.Sprintf("redirects to %q, which is not a URL", location)
	case !x.client.owns(x.request, next):
		o.Fault, o.Text = FaultRedirectAway, fmt.Sprintf("redirects away from the target, to %q", location)
	default:
		// The redirect may name the Host header's host; the request still goes to the target's address.
		next.Scheme, next.Host, next.User, next.Fragment = from.Scheme, from.Host, nil, ""
		why := x.client.target.Steer(next)
		if why == "" {
			return next, o, false
		}
		o.Fault, o.Text = FaultRedirectAway, fmt.Sprintf("redirects away from the target, to %q: %s", location, why)
	}
	return nil, o, true
}

func loop(resp *http.Response, text string) Observation {
	location := resp.Header.Get("Location")
	return Observation{
		Fault: FaultRedirectLoop, Status: resp.StatusCode, Header: resp.Header, Location: location,
		Text: fmt.Sprintf("%s, last to %q", text, location),
	}
}

// afterRedirect is what browsers do: 307 and 308 repeat the request, the others turn a write into a GET.
func afterRedirect(status int, method string, body []byte) (string, []byte) {
	switch {
	case status == http.StatusTemporaryRedirect, status == http.StatusPermanentRedirect:
		return method, body
	case method == http.MethodHead:
		return method, nil
	}
	return http.MethodGet, nil
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
