package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

func reasonOf(o outcome) string {
	text, _ := o.of("verdict")[0]["reason"].(string)
	return text
}

// The second gate leaves out the checks where the first one's verdict says that they held, and only there.
// Every row releases what the first gate would have refused.
func TestWhatIsEvidence(t *testing.T) {
	first := func(w *world) { w.after() }
	stored := func(from, to string) func(*world) {
		return func(w *world) {
			w.after()
			w.parameters[evidence] = strings.Replace(w.parameters[evidence], from, to, 1)
		}
	}
	for name, tc := range map[string]struct {
		prepare func(*world)
		// missing is why there is no evidence; empty where there is.
		missing string
	}{
		"the first gate passed":              {first, ""},
		"CodeDeploy says that some hook did": {func(*world) {}, "no verdict of the first gate is kept"},
		"the first gate only observed":       {func(w *world) { w.env["MODE"] = "observe"; w.after(); w.env["MODE"] = "enforce" }, "only observed"},
		"the first gate failed":              {func(w *world) { w.broken.Store(true); w.after() }, "the first gate said FAIL"},
		"it passed, and failed when retried": {func(w *world) { w.after(); w.broken.Store(true); w.after() }, "the first gate said FAIL"},
		"the first gate was skipped":         {skipFirst, "was overruled: skip"},
		"it judged by another suite":         {func(w *world) { w.after(); w.env["SUITE"] = w.file("smoke.yaml", suite+"# changed\n") }, "another suite"},
		"it asked another address": {func(w *world) {
			w.env["TEST_URL"] = server(w.t, app("1.1", nil)).URL
			w.after()
		}, "asked another address"},
		"it judged another release":     {stored(`"release":"1.1"`, `"release":"1.0"`), "another release"},
		"it judged another deployment":  {stored(deploymentID, "d-999999999"), "another deployment"},
		"it is the second gate's own":   {stored("AfterAllowTestTraffic", "BeforeAllowTraffic"), "not the first gate's"},
		"it says Failed":                {stored("Succeeded", "Failed"), "the first gate said"},
		"it is not a verdict":           {stored("{", `{"more":1,`), "no verdict"},
		"it is cut off":                 {stored("}", ""), "no verdict"},
		"nobody may read it":            {func(w *world) { w.after(); delete(w.parameters, evidence) }, "not authorized to perform GetParameter"},
		"nobody may keep it":            {func(w *world) { w.answers["PutParameter"] = denied; w.after() }, "no verdict"},
		"another parameter is answered": {func(w *world) { w.after(); w.answer("GetParameter", `{"Parameter":{"Name":"/other","Value":"x"}}`) }, "the answer is about"},
		"EVIDENCE_PARAMETER is not set": {func(w *world) { w.env["EVIDENCE_PARAMETER"] = ""; w.after() }, "EVIDENCE_PARAMETER is not set"},
		"the first gate opened for a retreat": {func(w *world) {
			w.deployment("codeDeployRollback", "InProgress", "Pending")
			w.broken.Store(true)
			w.after()
		}, "overruled: rollback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil, app("1.0", nil))
			tc.prepare(w)
			w.broken.Store(true)
			w.env["TEST_URL"], w.stored = w.green.URL, nil
			o := w.second()
			if tc.missing == "" {
				o.wants(t, "PASS", "none", "Succeeded", "ready")
				if by, _ := o.of("verdict")[0]["judged_by"].(string); !strings.HasPrefix(by, "the first gate, 20") {
					t.Errorf("judged by %q, want the first gate and when", by)
				}
			} else {
				o.wants(t, "FAIL", "release", "Failed", "(evidence=none: ")
				if !strings.Contains(reasonOf(o), tc.missing) {
					t.Errorf("reason %q, want one with %q", reasonOf(o), tc.missing)
				}
			}
			if checks := len(o.of("check")); checks != map[bool]int{true: 0, false: 2}[tc.missing == ""] {
				t.Errorf("%d checks were run", checks)
			}
			if got := o.of("verdict")[0]["lifecycle_event"]; got != "BeforeAllowTraffic" {
				t.Errorf("lifecycle event %v", got)
			}
		})
	}
}

func denied([]byte) (int, string) {
	return http.StatusBadRequest, `{"__type":"AccessDeniedException","Message":"not authorized"}`
}

func skipFirst(w *world) {
	w.env["SKIP_PARAMETER"] = "/skip"
	w.broken.Store(true)
	w.parameters["/skip"] = `{"release":"1.1","by":"ann","why":"INC-7","expires":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`
	w.after()
	delete(w.parameters, "/skip")
}

func TestAGroupWithoutATestListenerIsSetWrong(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.deployment("user", "Skipped", "InProgress")
	w.answer("GetDeployment", `{"deploymentInfo":{"deploymentId":"`+deploymentID+`","applicationName":"trips","deploymentGroupName":"group"}}`)
	w.invoke(lifecycle.BeforeAllowTraffic, event, 20*time.Second).wants(t, "ERROR", "config", "Failed", "no test listener")
}
