package codedeploy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
)

// front is CodeDeploy's, in a bubble with a clock of its own: it answers with a fault for its time, then takes
// every status.
type front struct {
	fault string
	until time.Time
	// at are the times of the attempts.
	at     []time.Time
	stored int
}

func (f *front) Do(r *http.Request) (*http.Response, error) {
	f.at = append(f.at, time.Now())
	if time.Now().After(f.until) {
		f.stored++
		return answer(r, http.StatusOK, `{}`), nil
	}
	switch f.fault {
	case "hangs":
		<-r.Context().Done()
		return nil, r.Context().Err()
	case "refuses":
		return answer(r, http.StatusBadRequest, `{"__type":"AccessDeniedException"}`), nil
	case "resets":
		return nil, errors.New("connection reset by peer")
	}
	return answer(r, http.StatusInternalServerError, `{"__type":"InternalFailure"}`), nil
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		Request: r, StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

const second, minute = time.Second, time.Minute

// TestTheTimeIsUsed reports to a CodeDeploy that is down, for a while or for good.
func TestTheTimeIsUsed(t *testing.T) {
	const ever = 100 * time.Hour
	for name, tc := range map[string]struct {
		fault       string
		down, limit time.Duration
		outcome     Outcome
		// from and to bound the time that it takes, fewest and most the attempts.
		from, to     time.Duration
		fewest, most int
	}{
		"500 for 20 s":                    {"500", 20 * second, 14 * minute, Stored, 20 * second, 30 * second, 10, 12},
		"hangs for 20 s":                  {"hangs", 20 * second, 14 * minute, Stored, 20 * second, 24 * second, 7, 8},
		"refuses for 20 s":                {"refuses", 20 * second, 14 * minute, Stored, 20 * second, 30 * second, 3, 5},
		"500 for good":                    {"500", ever, 14 * minute, NotStored, 838 * second, 839 * second, 90, 180},
		"resets for good":                 {"resets", ever, 14 * minute, NotStored, 838 * second, 839 * second, 90, 180},
		"hangs for good":                  {"hangs", ever, 14 * minute, NotStored, 838 * second, 839 * second, 70, 130},
		"refuses for good":                {"refuses", ever, 14 * minute, NotStored, 838 * second, 839 * second, 84, 180},
		"for good, nobody knows how long": {"500", ever, 0, NotStored, 838 * second, 839 * second, 90, 180},
		"half a minute, hangs":            {"hangs", ever, 30 * second, NotStored, 28 * second, 29 * second, 10, 20},
		"half a minute, 500":              {"500", ever, 30 * second, NotStored, 28 * second, 29 * second, 12, 24},
		"half a minute, refuses":          {"refuses", ever, 30 * second, NotStored, 28 * second, 29 * second, 6, 20},
		"5 s, hangs":                      {"hangs", ever, 5 * second, NotStored, 3 * second, 4 * second, 3, 6},
		"5 s, 500":                        {"500", ever, 5 * second, NotStored, 3 * second, 4 * second, 8, 20},
		"2 s, hangs":                      {"hangs", ever, 2 * second, NotStored, second, 1500 * time.Millisecond, 2, 3},
		"no time, hangs":                  {"hangs", ever, -second, NotStored, least, least, 1, 1},
		"no time, and it answers":         {"500", -second, -second, Stored, 0, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				f := &front{fault: tc.fault, until: began.Add(tc.down)}
				var notes []string
				c := Client{
					report: api.New(api.Options{
						Region: "eu-west-1", Retryer: aws.NopRetryer{}, HTTPClient: f,
						Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
					}),
					Note: func(text string) { notes = append(notes, text) },
				}
				deadline := time.Time{}
				if tc.limit != 0 {
					deadline = began.Add(tc.limit)
				}
				got := c.Report(t.Context(), payload.Event{DeploymentID: "d-1"}, lifecycle.Failed, deadline)
				if took := time.Since(began); got.Outcome != tc.outcome || took < tc.from || took > tc.to {
					t.Errorf("%s after %v, want %s after %v to %v", got.Outcome, took, tc.outcome, tc.from, tc.to)
				}
				if n := len(f.at); got.Attempts != n || n < tc.fewest || n > tc.most {
					t.Errorf("%d attempts, %d calls, want %d to %d", got.Attempts, n, tc.fewest, tc.most)
				}
				if stored := f.stored; stored > 1 || (stored == 1) != (tc.outcome == Stored) {
					t.Errorf("%d statuses are stored", stored)
				}
				// The burst is quiet; after it each attempt is told, but for the one that ends it.
				quiet := 7
				if tc.fault == "refuses" {
					quiet = 0
				}
				if want := max(0, got.Attempts-1-quiet); len(notes) != want {
					t.Errorf("%d notes of %d attempts, want %d", len(notes), got.Attempts, want)
				}
				for _, n := range notes {
					if !strings.Contains(n, "the status Failed is not stored yet (attempt ") || !strings.Contains(n, "trying on until 2000-01-01T") {
						t.Errorf("note %q", n)
					}
				}
			})
		})
	}
}

// TestPause holds the burst, and what follows it.
func TestPause(t *testing.T) {
	var burst time.Duration
	for n := 1; n < 8; n++ {
		whole, slow := pause(n, passing, time.Hour, 1)
		half, _ := pause(n, passing, time.Hour, 0)
		if burst += whole; slow || half != whole/2 {
			t.Errorf("pause %d is %v to %v, slow is %v", n, half, whole, slow)
		}
	}
	if burst != 4*second {
		t.Errorf("the burst's pauses take %v together, want 4s", burst)
	}
	for name, tc := range map[string]struct {
		n        int
		kind     kind
		left     time.Duration
		from, to time.Duration
	}{
		"after the burst":          {8, passing, time.Hour, 5 * second, 10 * second},
		"long after it":            {200, passing, time.Hour, 5 * second, 10 * second},
		"refused":                  {1, refused, time.Hour, 5 * second, 10 * second},
		"the time runs out":        {9, passing, 6 * second, 2 * second, 2 * second},
		"refused, time runs out":   {1, refused, 3 * second, second, second},
		"in the burst, time short": {6, passing, 600 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond},
	} {
		from, _ := pause(tc.n, tc.kind, tc.left, 0)
		to, _ := pause(tc.n, tc.kind, tc.left, 1)
		if from != tc.from || to != tc.to {
			t.Errorf("%s: %v to %v, want %v to %v", name, from, to, tc.from, tc.to)
		}
	}
}
