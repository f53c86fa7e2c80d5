package probe

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
)

// TestAJarFollowsTheHostHeader: cookies are the host's that was named, Secure ones go over http too, and what a request
// says itself wins.
func TestAJarFollowsTheHostHeader(t *testing.T) {
	u := &url.URL{Scheme: "http", Host: "192.0.2.1", Path: "/a"}
	of := func(host string, jar *Jar) *exchange {
		return &exchange{client: &Client{target: Target{Host: "trips.example"}}, request: Request{Host: host, Jar: jar}}
	}
	first := NewJar(nil)
	first.set(of("", nil).cookieURL(u), []*http.Cookie{
		{Name: "sid", Value: "1", Secure: true, Domain: "trips.example", Path: "/"}, {Name: "lang", Value: "en", Path: "/"},
	})
	jar := NewJar(first)
	for _, c := range []struct{ host, own, want string }{
		{"", "", "sid=1; lang=en"},
		{"", "sid=2", "sid=2; lang=en"},
		{"", "lang=de; x=1", "lang=de; x=1; sid=1"},
		{"admin.example", "", ""},
	} {
		if got := of(c.host, jar).cookieHeader(u, c.own); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.host, c.own, got, c.want)
		}
	}
}

// TestAnAnswerThatNobodyAskedFor closes the connection, and what net/http says of it is not for people.
func TestAnAnswerThatNobodyAskedFor(t *testing.T) {
	if f, text := classOf(errors.New("readLoopPeekFailLocked: %!w(<nil>)")); f != FaultReset || text != "connection closed before an answer came" {
		t.Errorf("%q: %s", f, text)
	}
}
