package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func (b *bench) all(ctx context.Context) error {
	b.Say("bench-smoke: %d rounds, %d cpus, medians of whole processes", b.rounds, runtime.NumCPU())
	for _, f := range []func(context.Context) error{b.many, b.flow, b.slow, b.growth} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return b.Close()
}

// oneRound is readiness without patience: the checks alone are measured.
const oneRound = "readiness: {consecutive: 1}\n"

// suite writes a suite of checks of one request each.
func (b *bench) suite(name string, checks int, path, head string) (string, error) {
	var t strings.Builder
	fmt.Fprintf(&t, "version: 1\nname: bench\n%sdefaults: {attempts: 1}\nchecks:\n", head)
	for i := range checks {
		fmt.Fprintf(&t, "  - name: check %d\n    request: GET %s?n=%d\n    expect:\n      status: 200\n      headers: {X-Service: trips}\n      json: {$.status: ok}\n", i, path, i)
	}
	file := filepath.Join(b.dir, name)
	return file, os.WriteFile(file, []byte(t.String()), 0o600)
}

// many is 200 independent checks with status, JSON and header assertions.
func (b *bench) many(ctx context.Context) error {
	const n = 200
	file, err := b.suite("many.yaml", n, "/health", oneRound)
	if err != nil {
		return err
	}
	few, err := b.suite("few.yaml", 10, "/health", oneRound)
	if err != nil {
		return err
	}
	ready, err := b.suite("many-and-20-rounds-of-readiness.yaml", n, "/health", "")
	if err != nil {
		return err
	}
	programs := append([]measure.Program{
		b.own("floor", "floor", "checks", b.url, "/health", fmt.Sprint(n), "8"),
		b.smoke("smoke", file),
		b.smoke("smoke, 10 checks", few),
		b.smoke("smoke, 20 rounds of readiness", ready),
	}, b.peers(n)...)
	c, err := b.starter.InTurn(ctx, measure.Rounds{Count: b.rounds}, programs...)
	if err != nil {
		return err
	}
	b.Title("%d independent checks, concurrency 8", n)
	b.Costs(programs, c)
	b.AtMost("wall: smoke / floor (aim 1.5)", c[1].Over(c[0]), 2, "×")
	for i := 4; i < len(programs); i++ {
		if name := programs[i].Name; name == "hurl" || name == "goss" {
			b.AtMost("wall: smoke / "+name, c[1].Over(c[i]), 0.5, "×")
		}
	}
	all, some := c[1].Median(), c[2].Median()
	b.AtMost("peak memory", float64(all.Peak)/measure.MiB, 16, "MiB")
	b.AtMost("cpu a check, (200 checks − 10 checks) / 190", measure.Milliseconds(all.CPU-some.CPU)/190, 0.2, "ms")
	return nil
}

// flow is one flow of five steps with a capture.
func (b *bench) flow(ctx context.Context) error {
	const text = `version: 1
name: flow
readiness: {consecutive: 1}
checks:
  - name: order flow
    steps:
      - request: POST /orders
        json: {sku: A-1, qty: 2}
        expect: {status: 201, headers: {X-Service: trips}, json: {$.status: ok}}
        capture: {id: $.id}
      - request: GET /orders/${id}
        expect: {status: 200, headers: {X-Service: trips}, json: {$.status: ok}}
      - request: PUT /orders/${id}
        json: {qty: 3}
        expect: {status: 200, headers: {X-Service: trips}, json: {$.status: ok}}
      - request: GET /orders/${id}
        expect: {status: 200, headers: {X-Service: trips}, json: {$.status: ok}}
      - request: DELETE /orders/${id}
        always: true
        expect: {status: 200, headers: {X-Service: trips}, json: {$.status: ok}}
`
	file := filepath.Join(b.dir, "flow.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	programs := []measure.Program{b.own("floor", "floor", "flow", b.url), b.smoke("smoke", file)}
	c, err := b.starter.InTurn(ctx, measure.Rounds{Count: b.rounds}, programs...)
	if err != nil {
		return err
	}
	b.Title("a flow of 5 steps")
	b.Costs(programs, c)
	// The limit is 10 ms where the floor takes 3; on a machine that is slower or busy both take longer.
	most := 10 * max(1, measure.Milliseconds(c[0].Median().Wall)/3)
	b.AtMost("wall", measure.Milliseconds(c[1].Median().Wall), most, "ms")
	return nil
}

// slow is 50 checks of 100 ms each, 16 side by side.
func (b *bench) slow(ctx context.Context) error {
	file, err := b.suite("slow.yaml", 50, "/slow", oneRound+"policy: {concurrency: 16}\n")
	if err != nil {
		return err
	}
	programs := []measure.Program{b.own("floor", "floor", "checks", b.url, "/slow", "50", "16"), b.smoke("smoke", file)}
	c, err := b.starter.InTurn(ctx, measure.Rounds{Count: b.rounds}, programs...)
	if err != nil {
		return err
	}
	b.Title("50 checks of 100 ms each, concurrency 16")
	b.Costs(programs, c)
	b.AtMost("wall: smoke / floor", c[1].Over(c[0]), 1.03, "×")
	return nil
}

// growth is a hundred times the checks for a hundred times the cost, at most.
func (b *bench) growth(ctx context.Context) error {
	var files []string
	for _, n := range []int{1000, 10000} {
		f, err := b.suite(fmt.Sprintf("growth%d.yaml", n), n, "/health", oneRound)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	programs := []measure.Program{b.smoke("smoke, 1,000 checks", files[0]), b.smoke("smoke, 10,000 checks", files[1])}
	c, err := b.starter.InTurn(ctx, measure.Rounds{Count: max(3, b.rounds/3)}, programs...)
	if err != nil {
		return err
	}
	b.Title("1,000 and 10,000 checks")
	b.Costs(programs, c)
	b.AtMost("time a check: 10,000 / 1,000", c[1].Over(c[0])/10, 1.2, "×")
	b.AtMost("memory a check, 10,000 checks", float64(c[1].Median().Peak)/10000/1024, 16, "KiB")
	return nil
}

// peers are the other runners that are installed, with the same checks in their own words.
func (b *bench) peers(n int) []measure.Program {
	writers := map[string]func(int) (string, string, []string){"hurl": b.hurl, "goss": b.goss, "runn": b.runn, "venom": b.venom, "k6": b.k6}
	var out []measure.Program
	for _, name := range []string{"hurl", "goss", "runn", "venom", "k6"} {
		if !measure.Installed(name) {
			b.Skip("wall: smoke / "+name, name+" is not installed")
			continue
		}
		file, text, args := writers[name](n)
		if err := os.WriteFile(filepath.Join(b.dir, file), []byte(text), 0o600); err != nil {
			b.Skip("wall: smoke / "+name, err.Error())
			continue
		}
		out = append(out, measure.Program{Name: name, Args: append([]string{name}, args...), Dir: b.dir})
	}
	return out
}
