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
	target, out := "", "-"
	c := cli.Described(help, "draft", cli.Flags{"target": &target, "unsafe": &d.Unsafe, "output": &out, "name": &d.Name})
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
			at.say(cli.ExitOK, "draft: without --target nobody is asked: the suite expects what the source says")
		} else if d.Target, err = smoke.BaseURL(target); err != nil {
			return 0, cli.Usagef("the target: %v", err)
		}
		told := time.Now()
		d.Env, d.Tell = at.environment, func(done, total int) {
			if time.Since(told) > tellEvery {
				told = time.Now()
				at.say(cli.ExitOK, "draft: %d of %d asked", done, total)
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
		return at.say(cli.ExitInterrupted, "draft: interrupted")
	case err != nil:
		return at.say(failed, "draft: %v", err)
	}
	at.say(cli.ExitOK, "draft: %s", strings.Join(append([]string{report.Count(checks, "check")}, d.Notes(200)...), "\ndraft: "))
	for _, line := range d.LetThrough() {
		at.say(cli.ExitOK, "draft: rehearse faults would let through %s", line)
	}
	return at.say(cli.ExitOK, "draft: the faults were not tried: rehearse faults does, on the routes that the suite asks")
}
