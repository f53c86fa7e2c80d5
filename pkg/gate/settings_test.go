package gate_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
)

func TestAVariableSetToNothingIsNotSet(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"not set": {},
		"empty": {
			"MODE": "", "REPORT_RESERVE": "", "METRICS_NAMESPACE": "", "LOG_LEVEL": "", "SUITE": "", "TEST_URL": "",
			"PRODUCTION_URL": "", "RELEASE": "", "PROBER_FUNCTION": "", "SKIP_PARAMETER": "", "REPORT_BUCKET": "", "SUITE_ENVIRONMENT": "",
			"TEST_HEADERS": "", "EVIDENCE_PARAMETER": "",
		},
	} {
		s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(env))
		if err != nil || s.Mode != gate.Enforce || s.ReportReserve != 30*time.Second || s.MetricsNamespace != "Greenlight" || s.LogLevel != "info" {
			t.Errorf("%s: %+v, %v; want the defaults", name, s, err)
		}
	}
}

// TestWhatIsSetWrongIsToldByItsName holds the text for every variable that can be wrong.
func TestWhatIsSetWrongIsToldByItsName(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"MODE", "obsreve", `MODE is "obsreve", want enforce or observe`},
		{"MODE", "Observe", `MODE is "Observe", want enforce or observe`},
		{"REPORT_RESERVE", "30", `REPORT_RESERVE is "30", want a time like 30s`},
		{"REPORT_RESERVE", "-1s", `REPORT_RESERVE is "-1s", want a time like 30s`},
		{"LOG_LEVEL", "loud", `LOG_LEVEL is "loud", want debug, info, warn or error`},
		{"TEST_URL", "host:8080", "TEST_URL is not a base URL like http://host:8080"},
		{"TEST_URL", "http://u:hunter2@host:x", "TEST_URL is not a base URL like http://host:8080"},
		{"TEST_URL", "http://:8080", "TEST_URL is not a base URL like http://host:8080"},
		{"TEST_URL", "ftp://host", "TEST_URL is not a base URL like http://host:8080"},
		{"TEST_URL", "http://u:hunter2@host", "TEST_URL holds more than scheme, host and port, want a base URL like http://host:8080"},
		{"PRODUCTION_URL", "http://host/?k=hunter2", "PRODUCTION_URL holds more than scheme, host and port, want a base URL like http://host:8080"},
		{"PRODUCTION_URL", "http://host?", "PRODUCTION_URL holds more than scheme, host and port, want a base URL like http://host:8080"},
		{"PRODUCTION_URL", "http://host/path", "PRODUCTION_URL holds more than scheme, host and port, want a base URL like http://host:8080"},
		{"SUITE_ENVIRONMENT", "A=hunter2", `SUITE_ENVIRONMENT is not a JSON object, want a JSON object of strings like {"API_USER": "smoke"}`},
		{"TEST_HEADERS", "X-Test: hunter2", `TEST_HEADERS is not a JSON object, want a JSON object of headers like {"X-Test": "green"}`},
		{"AWS_USE_FIPS_ENDPOINT", "yes", `AWS_USE_FIPS_ENDPOINT is "yes", want true or false`},
		{"AWS_USE_DUALSTACK_ENDPOINT", "1", `AWS_USE_DUALSTACK_ENDPOINT is "1", want true or false`},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "no", `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is "no", want true or false`},
	} {
		_, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(map[string]string{tc.name: tc.value}))
		if err == nil || err.Error() != "read settings: "+tc.want {
			t.Errorf("%s=%s:\n%v, want\n%s", tc.name, tc.value, err, tc.want)
		}
	}
}

// TestAllThatIsSetWrongIsToldAtOnce holds that the rest is read: what is needed to report Failed is among it.
func TestAllThatIsSetWrongIsToldAtOnce(t *testing.T) {
	s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(map[string]string{
		"MODE": "obsreve", "REPORT_RESERVE": "30", "LOG_LEVEL": "debug", "SUITE_ENVIRONMENT": "{", "TEST_URL": "http://green",
		"PRODUCTION_URL": "blue", "SKIP_PARAMETER": "/skip", "METRICS_NAMESPACE": "Ours",
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
	}))
	const want = `read settings: PRODUCTION_URL is not a base URL like http://host:8080; MODE is "obsreve", want enforce or observe; ` +
		`REPORT_RESERVE is "30", want a time like 30s; SUITE_ENVIRONMENT is not a JSON object, want a JSON object of strings like {"API_USER": "smoke"}`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if s.Mode != gate.Enforce || s.ReportReserve != 30*time.Second || s.LogLevel != "debug" || s.TestURL != "http://green" || s.ProductionURL != "" ||
		s.SkipParameter != "/skip" || s.MetricsNamespace != "Ours" || s.AWS.Region != "eu-west-1" || s.AWS.SessionToken != "t" {
		t.Errorf("read %+v", s)
	}
}

// TestNoVariableHidesTheOthers sets one variable after the other to what none of them can be, also those that are
// settings one day.
func TestNoVariableHidesTheOthers(t *testing.T) {
	fields, refused := reflect.TypeFor[gate.Settings](), 0
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).Tag.Get("env"), ",")
		if name == "" || name == "SKIP_PARAMETER" {
			continue
		}
		s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(map[string]string{name: "\x7f", "SKIP_PARAMETER": "/skip", "AWS_SESSION_TOKEN": "t"}))
		if s.SkipParameter != "/skip" || s.AWS.SessionToken != "t" || s.MetricsNamespace == "" {
			t.Errorf("with a bad %s the settings are %+v", name, s)
		}
		if err != nil {
			refused++
			if !strings.HasPrefix(err.Error(), "read settings: "+name+" ") {
				t.Errorf("a bad %s: %v", name, err)
			}
		}
	}
	if refused != 8 {
		t.Errorf("%d variables can be wrong, want 8", refused)
	}
}
