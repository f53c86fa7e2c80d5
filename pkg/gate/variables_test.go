package gate_test

import (
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
)

func TestTheSuiteReadsVariablesFromOneSetting(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.env["SUITE"] = w.file("smoke.yaml", strings.Replace(suite, "readiness:", "variables: {PATH_TO_LIST: {env: LIST_PATH}}\nreadiness:", 1)+
		"  - name: by variable\n    request: GET /${PATH_TO_LIST}\n    expect: {status: 200}\n")
	w.env["SUITE_ENVIRONMENT"] = `{"LIST_PATH": "trips"}`
	w.after().wants(t, "PASS", "none", "Succeeded", "")
}

func TestASuiteEnvironmentThatIsNoObjectShutsTheGateAndShowsNoValue(t *testing.T) {
	for name, text := range map[string]string{"list": `["hunter2"]`, "cut short": `{"A": "hunter2`, "null": "null", "two": `{"A":"hunter2"} {}`, "number": `{"A": 12345678}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, app("1.1", nil), app("1.0", nil))
			w.env["SUITE_ENVIRONMENT"] = text
			o := w.after()
			o.wants(t, "ERROR", "config", "Failed", "SuiteEnvironment")
			if strings.Contains(o.log, "hunter2") || strings.Contains(o.log, "12345678") {
				t.Errorf("the log holds the value: %s", o.log)
			}
		})
	}
}

func TestAnEmptySuiteEnvironmentIsNone(t *testing.T) {
	s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(map[string]string{"SUITE_ENVIRONMENT": ""}))
	if err != nil || len(s.SuiteEnvironment) != 0 {
		t.Errorf("got %v, %v", s.SuiteEnvironment, err)
	}
}
