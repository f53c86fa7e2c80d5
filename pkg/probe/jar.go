package probe

import (
	"cmp"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
)

// Jar holds the cookies of one attempt, by the rules of RFC 6265 but for one: a cookie marked Secure is sent over http,
// too, since in front of a test listener TLS ends elsewhere. It is not safe for concurrent use; a nil one holds nothing.
type Jar struct {
	jar  *cookiejar.Jar
	came []answered
	size int
}

// maxCookies bounds the bytes of a jar; a browser keeps 180 cookies of 4 KiB of a site.
const maxCookies = 1 << 20

// Empty reports whether no cookie came.
func (j *Jar) Empty() bool { return len(j.came) == 0 }

// answered is what one answer set.
type answered struct {
	from    *url.URL
	cookies []*http.Cookie
}

// NewJar returns a jar that begins with the cookies of another one, or empty where that is nil.
func NewJar(from *Jar) *Jar {
	j := &Jar{}
	if from != nil {
		for _, a := range from.came {
			j.set(a.from, a.cookies)
		}
	}
	return j
}

// cookieURL is a request's URL as a jar takes it: with the name that the Host header says.
func (x *exchange) cookieURL(u *url.URL) *url.URL {
	return &url.URL{Scheme: "https", Host: cmp.Or(x.request.Host, x.client.target.Host, u.Host), Path: u.Path}
}

func (j *Jar) set(u *url.URL, cookies []*http.Cookie) {
	if j == nil {
		return
	}
	for _, c := range cookies {
		j.size += len(c.Raw)
	}
	if j.size > maxCookies {
		return
	}
	if j.jar == nil {
		j.jar, _ = cookiejar.New(nil) // it has no error to return
	}
	j.jar.SetCookies(u, cookies)
	j.came = append(j.came, answered{u, cookies})
}

// cookieHeader is the Cookie header of a request to u: what the request itself says, and of the jar what has other names.
func (x *exchange) cookieHeader(u *url.URL, own string) string {
	j := x.request.Jar
	if j == nil || len(j.came) == 0 {
		return own
	}
	said, _ := http.ParseCookie(own) // what cannot be read is sent as it is
	pieces := []string{}
	if own != "" {
		pieces = append(pieces, own)
	}
	for _, c := range j.jar.Cookies(x.cookieURL(u)) {
		if !slices.ContainsFunc(said, func(s *http.Cookie) bool { return s.Name == c.Name }) {
			pieces = append(pieces, c.String())
		}
	}
	return strings.Join(pieces, "; ")
}
