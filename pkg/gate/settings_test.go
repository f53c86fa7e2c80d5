package gate_test

import (
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
		},
	} {
		s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(env))
		if err != nil || s.Mode != gate.Enforce || s.ReportReserve != 30*time.Second || s.MetricsNamespace != "Greenlight" || s.LogLevel != "info" {
			t.Errorf("%s: %+v, %v; want the defaults", name, s, err)
		}
	}
}
