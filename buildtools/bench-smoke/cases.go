package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// peakBytes turns what the system says of a process's largest memory into bytes: Linux counts KiB.
func peakBytes(maxrss int64) int64 {
	if runtime.GOOS == "darwin" {
		return maxrss
	}
	return maxrss << 10
}

const mib = 1 << 20

func (b *bench) all(ctx context.Context) error {
	b.say("bench-smoke: %d rounds, %d cpus, medians of whole processes", b.rounds, runtime.NumCPU())
	for _, f := range []func(context.Context) error{b.many, b.flow, b.slow, b.growth} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	b.say("%d limits missed", b.missed)
	return nil
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
	programs := append([]program{
		{"floor", []string{"checks", b.url, "/health", fmt.Sprint(n), "8"}},
		{"smoke", []string{"--target", b.url, file}},
		{"smoke", []string{"--target", b.url, few}},
		{"smoke", []string{"--target", b.url, ready}},
	}, b.peers(n)...)
	c, err := b.measure(ctx, b.rounds, programs...)
	if err != nil {
		return err
	}
	b.say("\n%d independent checks, concurrency 8", n)
	b.table(programs, c)
	b.limit("wall: smoke / floor (aim 1.5)", c[1].against(c[0]), 2, "×")
	for i := 4; i < len(programs); i++ {
		if name := programs[i].name; name == "hurl" || name == "goss" {
			b.limit("wall: smoke / "+name, c[1].against(c[i]), 0.5, "×")
		}
	}
	b.limit("peak memory", float64(c[1].peak)/mib, 16, " MiB")
	b.limit("cpu a check, (200 checks − 10 checks) / 190", float64(c[1].cpu-c[2].cpu)/190/float64(time.Millisecond), 0.2, " ms")
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
	programs := []program{{"floor", []string{"flow", b.url}}, {"smoke", []string{"--target", b.url, file}}}
	c, err := b.measure(ctx, b.rounds, programs...)
	if err != nil {
		return err
	}
	b.say("\na flow of 5 steps")
	b.table(programs, c)
	// The limit is 10 ms where the floor takes 3; on a machine that is slower or busy both take longer.
	most := 10 * max(1, float64(c[0].wall)/float64(3*time.Millisecond))
	b.limit("wall", float64(c[1].wall)/float64(time.Millisecond), most, " ms")
	return nil
}

// slow is 50 checks of 100 ms each, 16 side by side.
func (b *bench) slow(ctx context.Context) error {
	file, err := b.suite("slow.yaml", 50, "/slow", oneRound+"policy: {concurrency: 16}\n")
	if err != nil {
		return err
	}
	programs := []program{{"floor", []string{"checks", b.url, "/slow", "50", "16"}}, {"smoke", []string{"--target", b.url, file}}}
	c, err := b.measure(ctx, b.rounds, programs...)
	if err != nil {
		return err
	}
	b.say("\n50 checks of 100 ms each, concurrency 16")
	b.table(programs, c)
	b.limit("wall: smoke / floor", c[1].against(c[0]), 1.03, "×")
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
	programs := []program{{"smoke", []string{"--target", b.url, files[0]}}, {"smoke", []string{"--target", b.url, files[1]}}}
	c, err := b.measure(ctx, max(3, b.rounds/3), programs...)
	if err != nil {
		return err
	}
	b.say("\n1,000 and 10,000 checks")
	b.table(programs, c)
	b.limit("time a check: 10,000 / 1,000", c[1].against(c[0])/10, 1.2, "×")
	b.limit("memory a check, 10,000 checks", float64(c[1].peak)/10000/1024, 16, " KiB")
	return nil
}

func (b *bench) table(programs []program, c []cost) {
	for i, p := range programs {
		b.say("  %-8s wall %8.2f ms   cpu %8.2f ms   peak %6.1f MiB   %s", p.name,
			float64(c[i].wall)/float64(time.Millisecond), float64(c[i].cpu)/float64(time.Millisecond), float64(c[i].peak)/mib,
			filepath.Base(p.args[len(p.args)-1]))
	}
}

// peers are the other runners that are installed, with the same checks in their own words.
func (b *bench) peers(n int) []program {
	writers := map[string]func(int) (string, string, []string){"hurl": b.hurl, "goss": b.goss, "runn": b.runn, "venom": b.venom, "k6": b.k6}
	var out []program
	for _, name := range []string{"hurl", "goss", "runn", "venom", "k6"} {
		if _, err := exec.LookPath(name); err != nil {
			b.say("%s is not on the PATH: left out", name)
			continue
		}
		file, text, args := writers[name](n)
		if err := os.WriteFile(filepath.Join(b.dir, file), []byte(text), 0o600); err == nil {
			out = append(out, program{name, args})
		}
	}
	return out
}
