package command_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/command"
)

var spec = command.Spec{
	Name: "greet", Arguments: "[flags] NAME", About: "greet greets.",
	Example: "greet --loud Ann", Exit: "0 greeted",
}

func TestFlagsMayStandAfterArguments(t *testing.T) {
	flags := spec.Flags()
	loud := flags.Bool("loud", false, "shout")
	if err := spec.Parse(flags, []string{"Ann", "--loud", "--", "-x"}, nil); err != nil {
		t.Fatal(err)
	}
	if !*loud || strings.Join(flags.Args(), " ") != "Ann -x" {
		t.Errorf("loud %v, arguments %q", *loud, flags.Args())
	}
}

func TestAWrongFlagSuggestsTheRightOne(t *testing.T) {
	flags := spec.Flags()
	flags.Bool("loud", false, "shout")
	err := spec.Parse(flags, []string{"--luod"}, nil)
	if _, ok := errors.AsType[*command.UsageError](err); !ok || !strings.Contains(err.Error(), "did you mean --loud?") {
		t.Errorf("got %v", err)
	}
	if code := spec.Fail(err, 1); code != command.ExitUsage {
		t.Errorf("exit %d, want %d", code, command.ExitUsage)
	}
}

func TestHelpTeachesWithAnExample(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"--nonsense", "-h"}} {
		flags := spec.Flags()
		flags.Bool("loud", false, "shout")
		var out strings.Builder
		err := spec.Parse(flags, args, &out)
		if args[0] == "--nonsense" {
			if err == nil {
				t.Error("a wrong flag was accepted")
			}
			continue
		}
		if !errors.Is(err, command.ErrHelp) || spec.Fail(err, 1) != command.ExitOK {
			t.Errorf("%v: %v", args, err)
		}
		for _, want := range []string{"usage: greet [flags] NAME", "--loud", "example:\n  greet --loud Ann", "exit codes:\n  0 greeted"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: %q does not stand in the help:\n%s", args, want, out.String())
			}
		}
	}
}
