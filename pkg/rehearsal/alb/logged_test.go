package alb_test

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
)

// What an application logs of each health check is told apart from what somebody wants to read, with any logger.
func TestALineAboutAHealthCheckIsKnown(t *testing.T) {
	for line, want := range map[string][2]bool{ // of a check of /, of one of /up
		`127.0.0.1 - - [30/Nov/2026 19:31:42] "GET / HTTP/1.1" 200 -`:   {true, false},
		`127.0.0.1 - - [30/Nov/2026 19:31:42] "GET /up HTTP/1.1" 503 -`: {false, true},
		`GET /up 200 1.3 ms - 12`:                                       {false, true},
		`{"level":"info","req":{"method":"GET","url":"/up"}}`:           {false, true},
		`level=info method=GET path=/up status=200`:                     {false, true},
		`Started GET "/up" for 127.0.0.1`:                               {false, true},
		`GET /up?full=1 200`:                                            {false, true},
		`10.0.0.1 "ELB-HealthChecker/2.0" served`:                       {true, true},
		`GET /upload 200`:                                               {false, false},
		`GET /api/up 200`:                                               {false, false},
		`mapped [/up] onto the handler`:                                 {false, false},
		`step 3 / 10`:                                                   {false, false},
		`GET /up 500: connection to the database was refused`:           {false, false},
		`GET / failed: ELB-HealthChecker is not allowed`:                {false, false},
		`Error: cannot find module, required by GET / and /up`:          {false, false},
	} {
		for i, path := range []string{"", "/up"} {
			if got := (alb.HealthCheck{Path: path}).Logged()(line); got != want[i] {
				t.Errorf("checked at %q, %s: %v", path, line, got)
			}
		}
	}
}
