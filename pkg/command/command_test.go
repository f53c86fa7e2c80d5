package command_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/command"
)

var spec = command.Spec{
	Name: "greet", Arguments: "[flags] NAME", About: "greet greets.",
	Example: "greet --loud Ann", Exit: "0 greeted",
}

// greeting is what the flags of the tests set.
type greeting struct {
	Loud, Twice bool
	Word        string
	Names       []string
	Times       int
	Volume      float64
	Pause       time.Duration
	Args        []string
	Wrong       []string
}

func (g *greeting) flags() *command.Flags {
	f := spec.Flags()
	f.Switch(&g.Loud, "loud", "shout")
	f.Short("l", "loud")
	f.Switch(&g.Twice, "twice", "again")
	f.Short("t", "twice")
	f.String(&g.Word, "word", "hello", "say `WORD`")
	f.Short("w", "word")
	f.List(&g.Names, "name", "greet `NAME`; repeatable")
	f.Int(&g.Times, "times", 1, "so often")
	f.Float(&g.Volume, "volume", 0.5, "so loud")
	f.Duration(&g.Pause, "pause", time.Second, "wait so long")
	return f
}

func TestACommandLineIsReadAsGNUDoes(t *testing.T) {
	for line, want := range map[string]greeting{
		"":                              {Word: "hello"},
		"--loud Ann":                    {Loud: true, Word: "hello", Args: []string{"Ann"}},
		"Ann --loud -- -x --word":       {Loud: true, Word: "hello", Args: []string{"Ann", "-x", "--word"}},
		"--word hi --word=ho":           {Word: "ho"},
		"--word= -":                     {Args: []string{"-"}},
		"-w hi":                         {Word: "hi"},
		"-whi":                          {Word: "hi"},
		"-w=hi":                         {Word: "hi"},
		"-lt":                           {Loud: true, Twice: true, Word: "hello"},
		"-ltwhi Ann":                    {Loud: true, Twice: true, Word: "hi", Args: []string{"Ann"}},
		"-lw hi":                        {Loud: true, Word: "hi"},
		"--word --loud":                 {Word: "--loud"}, // a value may look like anything
		"--loud --loud=false":           {Word: "hello"},
		"--name a,b=c --name=":          {Word: "hello", Names: []string{"a,b=c", ""}},
		"--times 3 --volume .25":        {Word: "hello", Times: 3, Volume: .25},
		"--pause 1m30s":                 {Word: "hello", Pause: 90 * time.Second},
		"--lodu":                        {Word: "hello", Wrong: []string{"--lodu: unknown flag; did you mean --loud?"}},
		"--naem=SECRET --zzzzzz x":      {Word: "hello", Args: []string{"x"}, Wrong: []string{"--naem: unknown flag; did you mean --name?", "--zzzzzz: unknown flag"}},
		"-name=TOKEN=x":                 {Word: "hello", Wrong: []string{"-n: unknown flag; did you mean --name?"}},
		"-lx Ann":                       {Loud: true, Word: "hello", Args: []string{"Ann"}, Wrong: []string{"-x: unknown flag"}},
		"--word":                        {Word: "hello", Wrong: []string{"--word: its value is missing"}},
		"-w":                            {Word: "hello", Wrong: []string{"-w: its value is missing"}},
		"--loud=SECRET":                 {Word: "hello", Wrong: []string{"--loud: want true or false"}},
		"--times SECRET --pause SECRET": {Word: "hello", Wrong: []string{"--times: want a whole number", "--pause: want a length of time, like 90s or 5m"}},
		"--volume SECRET":               {Word: "hello", Wrong: []string{"--volume: want a number"}},
		"--=x --":                       {Word: "hello", Wrong: []string{"--: unknown flag"}},
	} {
		t.Run(line, func(t *testing.T) {
			var got greeting
			f := got.flags()
			for _, w := range f.Parse(strings.Fields(line)) {
				got.Wrong = append(got.Wrong, w.Error())
			}
			got.Args = f.Args()
			// What the table leaves out is as it was.
			for _, number := range []string{"times", "volume", "pause"} {
				if strings.Contains(line, number+" SECRET") || !strings.Contains(line, number) {
					switch number {
					case "times":
						got.Times = 0
					case "volume":
						got.Volume = 0
					default:
						got.Pause = 0
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhereNothingMayBeLostAFlagStandsOnce(t *testing.T) {
	for line, want := range map[string]string{
		"--word a --word a":                  "--word: is given twice; it takes one value",
		"--word a -w b":                      "-w: is given twice; it takes one value",
		"--word= --times 1 --times=1 --word": "--times: is given twice; it takes one value --word: its value is missing",
		"--pause 1s --pause 2s":              "--pause: is given twice; it takes one value",
		"--name a --name a":                  "",
		"-l --loud -ll --loud=true":          "",
		"-l --loud=false":                    "--loud: is given twice, once true and once false",
		"--loud=false -tl":                   "-l: is given twice, once true and once false",
	} {
		var g greeting
		f := g.flags()
		f.Once = true
		var got []string
		for _, w := range f.Parse(strings.Fields(line)) {
			got = append(got, w.Error())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestWhatWasGivenIsKnown(t *testing.T) {
	var g greeting
	f := g.flags()
	if wrong := f.Parse([]string{"--name", "a", "--name", "", "-w", "hello"}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for name, want := range map[string][2]bool{"name": {true, true}, "word": {true, false}, "times": {false, false}} {
		if got := [2]bool{f.Given(name), f.Empty(name)}; got != want {
			t.Errorf("--%s is given, empty: %v, want %v", name, got, want)
		}
	}
}

func TestEveryWrongFlagIsTold(t *testing.T) {
	var g greeting
	err := spec.Parse(g.flags(), []string{"--luod", "--times", "x"}, nil)
	if _, ok := errors.AsType[*command.UsageError](err); !ok {
		t.Fatalf("got %v", err)
	}
	if got, want := err.Error(), "--luod: unknown flag; did you mean --loud?\n--times: want a whole number"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if code := spec.Fail(err, 1); code != command.ExitUsage {
		t.Errorf("exit %d, want %d", code, command.ExitUsage)
	}
}

func TestHelpTeachesWithAnExample(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"Ann", "-lh"}, {"--nonsense", "-h"}} {
		var g greeting
		f := g.flags()
		var out strings.Builder
		err := spec.Parse(f, args, &out)
		if args[0] == "--nonsense" {
			if err == nil || errors.Is(err, command.ErrHelp) {
				t.Error("a wrong flag was accepted")
			}
			continue
		}
		if !errors.Is(err, command.ErrHelp) || spec.Fail(err, 1) != command.ExitOK {
			t.Errorf("%v: %v", args, err)
		}
		for _, want := range []string{
			"usage: greet [flags] NAME", "  -l, --loud ", "  -w, --word WORD     say WORD (default hello)\n",
			"      --pause VALUE   wait so long (default 1s)\n", "example:\n  greet --loud Ann", "exit codes:\n  0 greeted",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: %q does not stand in the help:\n%s", args, want, out.String())
			}
		}
	}
}
