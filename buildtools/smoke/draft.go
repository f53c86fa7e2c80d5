package main

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/draft"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// tellEvery is how often a draft that takes long says how far it is.
const tellEvery = 2 * time.Second

func draftCommand(at surroundings) *cli.Command {
	d := draft.New()
	var target, out string
	c := &cli.Command{
		Name: "draft", Arguments: "[flags] SOURCE", Once: true,
		About: `Writes a first suite: from OpenAPI 3, a HAR recording, a Postman collection, curl
lines (- is stdin), or the address of an application. It asks --target twice for
each, expects what stays the same, and says which faults the suite would let
through. It sends nothing that may change something, and writes no secret.`,
		Example: `smoke draft -o smoke.yaml http://localhost:8080
smoke draft -o smoke.yaml --target http://localhost:8080 openapi.yaml
pbpaste | smoke draft --target https://green.example -`,
		Exit: `0  written
1  the target answers nothing, or nothing of the source is left to check
2  wrong flags
4  the source cannot be read
5  the suite cannot be written
130  interrupted`,
	}
	f := c.Group("what is asked")
	f.StringVar(&target, "target", "", "`URL`: who is asked twice, http://host:port; without it the source alone speaks")
	f.BoolVar(&d.Unsafe, "unsafe", false, "take POST, PUT, PATCH and DELETE, too: they are sent twice")
	f = c.Group("output")
	f.StringVarP(&out, "output", "o", "-", "`FILE`: where the suite goes; one that exists is kept (default: stdout)")
	f.StringVar(&d.Name, "name", "", "`NAME`: the suite's (default: the source's)")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if len(args) != 1 || args[0] == "" {
			return 0, cli.Usagef("want one SOURCE, have %d", len(args))
		}
		crawl := strings.HasPrefix(args[0], "http://") || strings.HasPrefix(args[0], "https://")
		if crawl && target != "" {
			return 0, cli.Usagef("--target: the SOURCE is the target already")
		}
		if crawl {
			target = args[0]
		}
		if info, err := os.Stat(out); err == nil && info.Mode().IsRegular() {
			return 0, cli.Usagef("-o: the file exists: remove it, or choose another name")
		}
		var err error
		if target == "" {
			say(at, 0, "draft: without --target nobody is asked: the suite expects what the source says")
		} else if d.Target, err = smoke.BaseURL(target); err != nil {
			return 0, cli.Usagef("the target: %v", err)
		}
		began := time.Now()
		d.Env, d.Tell = at.environment, func(done, total int) {
			if time.Since(began) > tellEvery {
				began = time.Now()
				say(at, 0, "draft: %d of %d asked", done, total)
			}
		}
		return drafted(ctx, at, d, args[0], out), nil
	}
	return c
}

// drafted reads the source, asks the target, writes the suite and says what it lets through.
func drafted(ctx context.Context, at surroundings, d *draft.Draft, source, out string) int {
	text, err, code := "", error(nil), exitConfig
	if strings.Contains(source, "://") {
		err, code = d.Crawl(ctx), exitFail
	} else if text, err = cli.ReadFile(source, at.stdin); err == nil {
		err = d.Read(cli.Name(source), text)
	}
	checks := 0
	if err == nil && d.Target != nil {
		err, code = d.Observe(ctx), exitFail
	}
	if err == nil {
		text, checks, err = d.Suite()
	}
	if ctx.Err() != nil {
		return say(at, cli.ExitInterrupted, "draft: interrupted: nothing is written")
	}
	if err != nil {
		return say(at, code, "draft: %v", err)
	}
	if out == "-" {
		_, err = io.WriteString(at.stdout, text)
	} else {
		err = cli.WriteFile(out, []byte(text))
	}
	if err != nil {
		return say(at, exitGate, "draft: %v", err)
	}
	say(at, cli.ExitOK, "draft: %s", report.Count(checks, "check"))
	for _, line := range d.Notes(3) {
		say(at, cli.ExitOK, "draft: %s", line)
	}
	for _, line := range d.LetThrough() {
		say(at, cli.ExitOK, "draft: rehearse faults would let through %s", line)
	}
	return cli.ExitOK
}
