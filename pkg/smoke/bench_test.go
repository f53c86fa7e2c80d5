package smoke_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

func manyChecks(n int) string {
	var t strings.Builder
	t.WriteString("version: 1\nreadiness: {consecutive: 1}\ndefaults: {attempts: 1}\nchecks:\n")
	for i := range n {
		fmt.Fprintf(&t, "  - name: check %d\n    request: GET /health?n=%d\n    expect:\n      status: 200\n      headers: {X-Service: trips}\n      json: {$.status: ok}\n", i, i)
	}
	return t.String()
}

func BenchmarkRead200(b *testing.B) {
	text := []byte(manyChecks(200))
	b.ReportAllocs()
	for b.Loop() {
		if s, _ := smoke.Read(smoke.Source{Name: "s.yaml", Text: text}); s == nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkRun200(b *testing.B) {
	server := httptest.NewServer(answer(`{"status":"ok"}`, "X-Service", "trips"))
	defer server.Close()
	src := smoke.Source{Name: "s.yaml", Text: []byte(manyChecks(200))}
	suite, _ := smoke.Read(src)
	job := smoke.Job{Suite: src, Target: server.URL, Phases: []smoke.Phase{smoke.PhaseJudge}}
	b.ReportAllocs()
	for b.Loop() {
		if r := suite.Run(b.Context(), job, nil); r.Verdict != smoke.Pass {
			b.Fatal(r.Reason)
		}
	}
}
