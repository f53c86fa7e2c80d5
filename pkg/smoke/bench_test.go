package smoke_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
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
		if s, _ := suite.Read(suite.Source{Name: "s.yaml", Text: text}); s == nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkRun200(b *testing.B) {
	server := httptest.NewServer(answer(`{"status":"ok"}`, "X-Service", "trips"))
	defer server.Close()
	src := suite.Source{Name: "s.yaml", Text: []byte(manyChecks(200))}
	suite, _ := suite.Read(src)
	job := smoke.Job{Suite: src, Target: smoke.Side{URL: server.URL}, Phases: []finding.Phase{finding.PhaseJudge}}
	b.ReportAllocs()
	for b.Loop() {
		if r := smoke.Run(b.Context(), suite, job, nil); r.Verdict != finding.Pass {
			b.Fatal(r.Reason)
		}
	}
}
