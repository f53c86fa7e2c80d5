//go:build !windows

package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

// serveCommand serves a built-in release without any deployment.
func serveCommand(w world) *cli.Command {
	port, release := 8080, "1.1.0"
	c := &cli.Command{
		Name: "serve", Arguments: "[flags] [NAME]",
		About: `Serves a built-in release by itself until Ctrl-C: something to try a suite on.
NAME is good, or in which way it is broken, as of rehearse --green.`,
		Example: `rehearse serve --port 8080 --release 1.1.0 &
smoke --target http://localhost:8080 --release 1.1.0 infra/tripmgmt/smoke.yaml`,
		Exit: `0 it was stopped
2 the command line is wrong
3 it cannot serve: the port is in use, or it is broken that way`,
	}
	f := c.Group("what it says it is")
	f.IntVar(&port, "port", port, "`PORT`: of 127.0.0.1")
	f.StringVar(&release, "release", release, "`ID`: its version")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		r, ok := task.FindBuiltin(append(args, "good")[0])
		if !ok || len(args) > 1 || port < 1 || port > 65535 {
			return 0, cli.Usagef("want a --port from 1 to 65535, and one NAME of %s", builtinNames())
		}
		_, _ = fmt.Fprintf(w.stderr, "rehearse: %s of builtin:%s at http://localhost:%d until Ctrl-C\n", release, r.Name, port)
		if err := r.Serve(ctx, task.BuiltinOptions{Release: release, Port: strconv.Itoa(port)}); err != nil {
			return unheld(nil, w.stderr, "rehearse serve", err), nil
		}
		return cli.ExitOK, nil
	}
	return c
}
