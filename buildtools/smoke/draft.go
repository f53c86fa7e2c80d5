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
		Name: "draft", Arguments: "[flags] SOURCE",
		About: `Writes a first suite: from OpenAPI 3, a HAR recording, a Postman collection,
curl lines, or the address of an application; - is stdin. It asks --target twice
for each, expects what stays the same, and says which faults of a release the
suite would let through. It sends nothing that may change something unless it is
told to, and writes no secret: that becomes a variable of the environment.`,
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
	c.Do = func(ctx context.Context, args []string) (_ int, err error) {
		if len(args) != 1 {
			return 0, cli.Usagef("want one SOURCE, have %d", len(args))
		}
		if strings.Contains(args[0], "://") && target == "" {
			target = args[0]
		} else if strings.Contains(args[0], "://") {
			return 0, cli.Usagef("--target: the SOURCE is the target already")
		}
		if info, err := os.Stat(out); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(out, "/dev/") {
			return 0, cli.Usagef("-o: the file exists: remove it, or choose another name")
		}
		if target == "" {
			say(at, cli.ExitOK, "draft: without --target nobody is asked: the suite expects what the source says")
		} else if d.Target, err = smoke.BaseURL(target); err != nil {
			return 0, cli.Usagef("the target: %v", err)
		}
		told := time.Now()
		d.Env, d.Tell = at.environment, func(done, total int) {
			if time.Since(told) > tellEvery {
				told = time.Now()
				say(at, cli.ExitOK, "draft: %d of %d asked", done, total)
			}
		}
		return drafted(ctx, at, d, args[0], out), nil
	}
	return c
}

// drafted reads the source, asks the target, writes the suite and says what it lets through.
func drafted(ctx context.Context, at surroundings, d *draft.Draft, source, out string) int {
	failed, checks := exitConfig, 0
	text, err := "", error(nil)
	if strings.Contains(source, "://") {
		failed, err = exitFail, d.Crawl(ctx)
	} else if text, err = cli.ReadFile(source, at.stdin); err == nil {
		err = d.Read(cli.Name(source), text)
	}
	if err == nil && d.Target != nil {
		failed, err = exitFail, d.Observe(ctx)
	}
	if err == nil {
		text, checks, err = d.Suite()
	}
	if err == nil {
		if failed = exitGate; out == "-" {
			_, err = io.WriteString(at.stdout, text)
		} else {
			err = cli.WriteFile(out, []byte(text))
		}
	}
	switch {
	case ctx.Err() != nil:
		return say(at, cli.ExitInterrupted, "draft: interrupted")
	case err != nil:
		return say(at, failed, "draft: %v", err)
	}
	say(at, cli.ExitOK, "draft: %s", strings.Join(append([]string{report.Count(checks, "check")}, d.Notes(200)...), "\ndraft: "))
	for _, line := range d.LetThrough() {
		say(at, cli.ExitOK, "draft: rehearse faults would let through %s", line)
	}
	return say(at, cli.ExitOK, "draft: the faults were not tried: rehearse faults does, on the routes that the suite asks")
}
