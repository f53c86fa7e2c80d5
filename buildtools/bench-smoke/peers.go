package main

import (
	"fmt"
	"strings"
)

// Each returns a file's name, its text and the arguments that run it: n checks of status, header and JSON.

func (b *bench) hurl(n int) (file, text string, args []string) {
	var t strings.Builder
	for i := range n {
		fmt.Fprintf(&t, "GET %s/health?n=%d\nHTTP 200\nX-Service: trips\n[Asserts]\njsonpath \"$.status\" == \"ok\"\n\n", b.url, i)
	}
	return "many.hurl", t.String(), []string{"--test", "many.hurl"}
}

func (b *bench) goss(n int) (file, text string, args []string) {
	var t strings.Builder
	t.WriteString("http:\n")
	for i := range n {
		fmt.Fprintf(&t, "  %s/health?n=%d:\n    status: 200\n    headers: [\"X-Service: trips\"]\n    body:\n      gjson:\n        status: ok\n", b.url, i)
	}
	return "many-goss.yaml", t.String(), []string{"-g", "many-goss.yaml", "validate", "--max-concurrent", "8"}
}

func (b *bench) runn(n int) (file, text string, args []string) {
	var t strings.Builder
	fmt.Fprintf(&t, "runners:\n  req: %s\nsteps:\n", b.url)
	for i := range n {
		fmt.Fprintf(&t, "  - req:\n      /health?n=%d:\n        get: {}\n    test: current.res.status == 200 && current.res.body.status == \"ok\" && current.res.headers[\"X-Service\"][0] == \"trips\"\n", i)
	}
	return "many-runn.yml", t.String(), []string{"run", "many-runn.yml"}
}

func (b *bench) venom(n int) (file, text string, args []string) {
	var t strings.Builder
	t.WriteString("name: bench\ntestcases:\n")
	for i := range n {
		fmt.Fprintf(&t, "  - name: c%d\n    steps:\n      - type: http\n        method: GET\n        url: %s/health?n=%d\n        assertions:\n          - result.statuscode ShouldEqual 200\n          - result.bodyjson.status ShouldEqual ok\n", i, b.url, i)
	}
	return "many-venom.yml", t.String(), []string{"run", "many-venom.yml"}
}

func (b *bench) k6(n int) (file, text string, args []string) {
	text = fmt.Sprintf(`import http from 'k6/http'; import { check } from 'k6';
export const options = { vus: 8, iterations: %d, thresholds: { checks: ['rate==1'] } };
export default function () {
  const r = http.get('%s/health');
  check(r, { ok: (r) => r.status === 200 && r.headers['X-Service'] === 'trips' && r.json('status') === 'ok' });
}
`, n, b.url)
	return "many.js", text, []string{"run", "--quiet", "many.js"}
}
