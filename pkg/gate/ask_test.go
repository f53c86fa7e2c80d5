package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// Tags that may not be read are no answer: it is said why, once, and the status is stored in time.
func TestAnAnswerThatIsDeniedIsNone(t *testing.T) {
	for name, bend := range map[string]func(w *world){
		"the task sets": func(*world) {},
		"the tags": func(w *world) {
			w.answer("DescribeTaskSets", `{"taskSets":[{"id":"ecs-svc/2","taskDefinition":"arn:new","loadBalancers":[{"containerName":"web"}]}]}`)
			w.answers["DescribeTaskDefinition"] = func(body []byte) (int, string) {
				if strings.Contains(string(body), "TAGS") {
					return http.StatusBadRequest, `{"__type":"AccessDeniedException","Message":"not authorized to perform ListTagsForResource"}`
				}
				return http.StatusOK, `{"taskDefinition":{"taskDefinitionArn":"arn:new","containerDefinitions":[{"name":"web","image":"app:1.1"}]}}`
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, app("1.1", nil), app("1.0", nil))
			w.env["SUITE"] = w.file("smoke.yaml", suite+"compare:\n  - {name: trips, request: GET /trips, pairs: 5, warmup: 0, expect: {status: 200}}\npolicy: {inconclusive: ask}\n")
			w.env["REPORT_RESERVE"] = "5s"
			w.deployment("user", "Succeeded", "InProgress")
			bend(w)
			o := w.invoke(lifecycle.BeforeAllowTraffic, event, 16*time.Second)
			o.wants(t, "INCONCLUSIVE", "environment", "Failed", "nobody approved by 20")
			if strings.Count(o.log, "no answer can be read: ") != 1 || !strings.Contains(o.log, "not authorized to perform ") || len(o.of("ask")) != 1 {
				t.Errorf("the log: %s", o.log)
			}
			if m := o.of("metrics"); m[0]["GateFailed"] != 1.0 || m[0]["GatePassed"] != 0.0 {
				t.Errorf("metrics %v", m)
			}
		})
	}
}
