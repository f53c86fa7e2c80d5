package awsquery_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsquery"
)

func handler() awsquery.Handler {
	echo := func(_ context.Context, form awsquery.Form) ([]awsquery.Member, error) {
		return []awsquery.Member{{Name: "Echo", Value: strings.Join(form.List("In"), "|")}}, nil
	}
	broken := func(context.Context, awsquery.Form) ([]awsquery.Member, error) {
		return nil, errors.New("out of order")
	}
	return awsquery.Handler{Services: []awsquery.Service{
		{Version: "2015-12-01", Operations: map[string]awsquery.Operation{"Echo": echo, "Break": broken}},
		{Version: "2016-11-15", Flat: true, Operations: map[string]awsquery.Operation{"Echo": echo}},
	}}
}

func call(t testing.TB, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestBothDialects(t *testing.T) {
	for body, c := range map[string]struct {
		status int
		want   []string
	}{
		"Action=Echo&Version=2015-12-01&In.member.1=a&In.member.2=<b>": {200, []string{"<EchoResponse><EchoResult><Echo>a|&lt;b&gt;</Echo></EchoResult><ResponseMetadata>"}},
		"Action=Echo&Version=2016-11-15&In.1=a&In.2=b&In.4=d":          {200, []string{"<EchoResponse><requestId>", "<Echo>a|b</Echo></EchoResponse>"}},
		"Action=None&Version=2015-12-01":                               {400, []string{"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"}},
		"Action=None&Version=2016-11-15":                               {400, []string{"<Response><Errors><Error><Code>InvalidAction</Code>"}},
		"Action=Echo&Version=2020-01-01":                               {400, []string{"no service of version"}},
		"Action=Break&Version=2015-12-01":                              {500, []string{"<Code>InternalFailure</Code><Message>out of order</Message>"}},
		"%":                                                            {400, []string{"MalformedQueryString"}},
	} {
		status, got := call(t, body)
		if status != c.status || slices.ContainsFunc(c.want, func(w string) bool { return !strings.Contains(got, w) }) {
			t.Errorf("%s: %d %s, want %d %q", body, status, got, c.status, c.want)
		}
	}
}

// Whatever comes in, what goes out is XML.
func FuzzServeHTTP(f *testing.F) {
	f.Add("Action=Echo&Version=2015-12-01&In.member.1=a")
	f.Add("Action=\x00&Version=2016-11-15")
	f.Add("In.1=\xff&Action=Echo&Version=2016-11-15")
	f.Fuzz(func(t *testing.T, body string) {
		_, got := call(t, body)
		decoder := xml.NewDecoder(strings.NewReader(got))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%q: %v in %q", body, err, got)
			}
		}
	})
}
