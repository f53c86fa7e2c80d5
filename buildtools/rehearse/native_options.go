//go:build !windows

package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// nativeOptions are the flags of a deployment of Amazon ECS itself.
type nativeOptions struct {
	strategy, hookTimeout string
	pauses                []lifecycle.Name
	create                bool
	bakeTime              time.Duration
}

// The flags that one controller has and the other has not.
const (
	codeDeployFlags = "appspec config approval-wait no-rollback no-test-listener termination-wait"
	nativeFlags     = "strategy pause hook-timeout bake-time test-header create"
)

// pause takes a stage for a PAUSE hook.
func (n *nativeOptions) pause(stage string) error {
	if takes := lifecycle.PauseStages(); !slices.Contains(takes, lifecycle.Name(stage)) {
		return fmt.Errorf("not a stage that takes a PAUSE hook; %s", nearest(stage, takes, "they are "))
	}
	n.pauses = append(n.pauses, lifecycle.Name(stage))
	return nil
}

func (o *options) testHeader(text string) error {
	name, value, _ := strings.Cut(text, "=")
	if o.plan.Header = (rehearsal.Header{Name: name, Value: value}); name == "" || value == "" {
		return errors.New("want NAME=VALUE")
	}
	return nil
}

// chooseController reads the flags of the controller that deploys; those of the other one make no sense.
func (o *options) chooseController(c *cli.Command) error {
	wrong, known := map[string]string{"native": codeDeployFlags, "codedeploy": nativeFlags}[o.controller]
	if !known {
		return cli.Usagef("--controller: want codedeploy or native")
	}
	for flag := range strings.FieldsSeq(wrong) {
		if c.Given(flag) {
			return cli.Usagef("--%s makes no sense with --controller %s", flag, o.controller)
		}
	}
	if o.controller == "codedeploy" {
		return nil
	}
	n := o.native
	o.plan.Native = &rehearsal.Native{Create: n.create, Pauses: n.pauses}
	config, wrongStrategy := deployment.ParseStrategy(n.strategy)
	o.plan.Config, o.plan.TerminationWait = config, n.bakeTime
	return cmp.Or(
		cli.When(wrongStrategy != nil, "--strategy: %v", wrongStrategy),
		cli.When(n.bakeTime < 0 || n.bakeTime > 24*time.Hour || n.bakeTime%time.Minute != 0,
			"--bake-time %s: whole minutes between 0 and 24h, as Amazon ECS allows", n.bakeTime),
		cli.When(n.create && (o.plan.AwaitUpdate || o.blue != ""),
			"--create has no old release: neither --blue nor --await-update makes sense"),
		o.timeout(n.hookTimeout),
	)
}

func (o *options) timeout(text string) error {
	after, action, _ := strings.Cut(text, ",")
	duration, err := time.ParseDuration(after)
	switch {
	case err != nil || duration < time.Minute || duration > 336*time.Hour || duration%time.Minute != 0:
		return cli.Usagef("--hook-timeout: want whole minutes from 1m to 336h, as Amazon ECS allows")
	case action != "" && action != "ROLLBACK" && action != "CONTINUE":
		return cli.Usagef("--hook-timeout: the action is ROLLBACK or CONTINUE")
	}
	o.plan.Native.HookTimeout = deployment.HookTimeout{After: duration, GoOn: action == "CONTINUE"}
	return nil
}
