package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

// help is what the command of the tests says of itself.
const help = `usage: greet [flags] NAME
       greet COMMAND

Greets: people.

how:
  -l, --loud                shout
  -t, --twice               again
  -w, --word WORD           say WORD (default hello)

whom:
      --name NAME           greet somebody (repeatable)
      --times int           so often
      --volume float        so loud
      --pause LONG          wait so LONG, which takes a text that is longer than
                            one line of the terminal has room for
      --a-name-that-is-long N
                            is on a line of its own

general:
  -h, --help                show this help
      --version             print the version

commands:
  faults                    Finds faults
  help                      Shows the help of a command
  version                   Prints the version
  completion                Prints a script for a shell

example:
  greet --loud Ann

exit codes:
  0 greeted
`

const general = `
general:
  -h, --help                show this help
      --version             print the version
`

// greeting is what the flags of the tests set, and what came of a command line.
type greeting struct {
	Loud, Twice bool
	Word        string
	Names       []string
	Times       int
	Volume      float64
	Pause       time.Duration
	Args        []string
	Wrong       string
}

// command is a command of the tests that notes its arguments in g.
func command(g *greeting) *cli.Command {
	g.Word = "hello"
	return &cli.Command{
		Name: "greet", Help: help,
		Flags: cli.Flags{
			"loud": &g.Loud, "twice": &g.Twice, "word": &g.Word, "name": &g.Names, "times": &g.Times, "volume": &g.Volume,
			"pause": &g.Pause, "a-name-that-is-long": new(int),
		},
		Commands: []*cli.Command{{
			Name: "faults", Help: "usage: greet faults [flags]\n\nFinds faults. Of any kind.\n" + general,
			Do: func(context.Context, []string) (int, error) { return 7, cli.Usagef("one\ntwo") },
		}},
		Do: func(_ context.Context, args []string) (int, error) {
			g.Args = args
			return cli.ExitOK, nil
		},
	}
}

// execute runs the words of a command line.
func execute(c *cli.Command, line string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = c.Execute(context.Background(), strings.Fields(line), &out, &err)
	return code, out.String(), err.String()
}

func TestACommandLineIsReadAsGNUDoes(t *testing.T) {
	none := []string{}
	const noShell, noCommand = " completion: there is no script for that shell; ", " help: there is no such command"
	for line, want := range map[string]greeting{
		"":                          {Word: "hello", Args: none},
		"--loud Ann":                {Loud: true, Word: "hello", Args: []string{"Ann"}},
		"Ann --loud -- -x --word":   {Loud: true, Word: "hello", Args: []string{"Ann", "-x", "--word"}},
		"-- faults":                 {Word: "hello", Args: []string{"faults"}},
		"--word faults ./faults":    {Word: "faults", Args: []string{"./faults"}},
		"--word hi --word=ho":       {Word: "ho", Args: none},
		"--word= -":                 {Args: []string{"-"}},
		"-w hi":                     {Word: "hi", Args: none},
		"-whi":                      {Word: "hi", Args: none},
		"-w=hi":                     {Word: "hi", Args: none},
		"-lt":                       {Loud: true, Twice: true, Word: "hello", Args: none},
		"-ltwhi Ann":                {Loud: true, Twice: true, Word: "hi", Args: []string{"Ann"}},
		"-lw hi":                    {Loud: true, Word: "hi", Args: none},
		"--word --loud":             {Word: "--loud", Args: none}, // a value may look like anything
		"--loud --loud=false":       {Word: "hello", Args: none},
		"--name a,b=c --name=":      {Word: "hello", Names: []string{"a,b=c", ""}, Args: none},
		"--times 3 --volume .25":    {Word: "hello", Times: 3, Volume: .25, Args: none},
		"--pause 1m30s":             {Word: "hello", Pause: 90 * time.Second, Args: none},
		"--lodu":                    {Word: "hello", Wrong: "--lodu: unknown flag; did you mean --loud?"},
		"--naem=SECRET --zzzzzz x":  {Word: "hello", Wrong: "--naem: unknown flag; did you mean --name?"},
		"--zzzzzz=SECRET":           {Word: "hello", Wrong: "--zzzzzz: unknown flag"},
		"-name=TOKEN=SECRET":        {Word: "hello", Wrong: "-n: unknown flag; did you mean --name?"},
		"-nSECRET":                  {Word: "hello", Wrong: "-n: unknown flag"},
		"-lx Ann":                   {Loud: true, Word: "hello", Wrong: "-x: unknown flag"},
		"--word":                    {Word: "hello", Wrong: "--word: its value is missing"},
		"-lw":                       {Loud: true, Word: "hello", Wrong: "-w: its value is missing"},
		"--loud=SECRET":             {Word: "hello", Wrong: "--loud: want true or false"},
		"--times SECRET":            {Word: "hello", Wrong: "--times: want a whole number"},
		"--pause=SECRET":            {Word: "hello", Wrong: "--pause: want a length of time, like 90s or 5m"},
		"--volume SECRET":           {Word: "hello", Wrong: "--volume: want a number"},
		"--=SECRET --":              {Word: "hello", Wrong: "--: unknown flag"},
		"--nonsense -h":             {Word: "hello", Wrong: "--nonsense: unknown flag"},
		"completion SECRET":         {Word: "hello", Wrong: noShell + "want one of bash, zsh, fish, powershell"},
		"completion fihs":           {Word: "hello", Wrong: noShell + "did you mean fish?"},
		"help SECRET":               {Word: "hello", Wrong: noCommand},
		"help falts":                {Word: "hello", Wrong: noCommand + "; did you mean the command faults?"},
		"faults --hlep --word hell": {Word: "hello", Wrong: " faults: --hlep: unknown flag; did you mean --help?"},
	} {
		t.Run(line, func(t *testing.T) {
			var got greeting
			code, stdout, stderr := execute(command(&got), line)
			wrong, _, _ := strings.Cut(strings.TrimPrefix(stderr, "greet"), "\n")
			if got.Wrong = strings.TrimPrefix(wrong, ": "); want.Wrong != "" {
				got.Times, got.Volume, got.Pause = 0, 0, 0
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			wantCode := map[bool]int{true: cli.ExitOK, false: cli.ExitUsage}[want.Wrong == ""]
			if code != wantCode || stdout != "" {
				t.Errorf("exit %d, want %d; stdout %q", code, wantCode, stdout)
			}
			if (want.Wrong != "") != strings.Contains(stderr, "\n  help: greet") || strings.Contains(stderr, "SECRET") {
				t.Errorf("says %q", stderr)
			}
		})
	}
}

func TestWhatWasGivenIsKnown(t *testing.T) {
	c := command(new(greeting))
	if code := c.Execute(t.Context(), []string{"--name", "a", "--name", "", "-w", "hello"}, nil, nil); code != 0 {
		t.Fatal(code)
	}
	for name, want := range map[string][2]bool{"name": {true, true}, "word": {true, false}, "times": {false, false}} {
		if got := [2]bool{c.Given(name), c.Empty(name)}; got != want {
			t.Errorf("--%s is given, empty: %v, want %v", name, got, want)
		}
	}
}

func TestTheNameStandsBeforeEveryLine(t *testing.T) {
	code, _, stderr := execute(command(new(greeting)), "faults")
	want := "greet faults: one\ngreet faults: two\n  help: greet faults -h shows the flags and an example\n"
	if stderr != want || code != cli.ExitUsage {
		t.Errorf("exit %d, %q, want %q", code, stderr, want)
	}
}

func TestHelpTeachesWithAnExample(t *testing.T) {
	for _, line := range []string{"-h", "--help", "Ann -lh", "help", "-h faults.yaml"} {
		code, got, stderr := execute(command(new(greeting)), line)
		if diff := cmp.Diff(help, got); diff != "" || code != 0 || stderr != "" {
			t.Errorf("%s: exit %d, %s%s", line, code, stderr, diff)
		}
	}
	for _, line := range []string{"faults -h", "faults --help", "help faults"} {
		_, got, _ := execute(command(new(greeting)), line)
		if !strings.HasPrefix(got, "usage: greet faults [flags]\n\nFinds faults. Of any kind.\n\ngeneral:\n") {
			t.Errorf("%s: %s", line, got)
		}
	}
	_, got, _ := execute(command(new(greeting)), "completion -h")
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

func TestAHelpThatIsWrongAboutAFlagIsNoHelp(t *testing.T) {
	for name, change := range map[string]func(*cli.Command){
		"a flag that the command has not": func(c *cli.Command) { delete(c.Flags, "loud") },
		"a flag is left out":              func(c *cli.Command) { c.Flags["quiet"] = new(bool) },
		"a default is left out":           func(c *cli.Command) { *c.Flags["times"].(*int) = 3 },
		"a value of no kind":              func(c *cli.Command) { c.Flags["times"] = new(uint8) },
	} {
		c := command(new(greeting))
		change(c)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s, and the command starts", name)
				}
			}()
			execute(c, "")
		}()
	}
}

func TestEveryCommandSaysItsVersion(t *testing.T) {
	for _, line := range []string{"version", "--version", "--times 3 --version", "faults --version"} {
		code, got, stderr := execute(command(new(greeting)), line)
		oneLine := strings.HasPrefix(got, "greet ") && strings.Contains(got, " (go1.") && strings.Count(got, "\n") == 1
		if code != 0 || stderr != "" || !oneLine {
			t.Errorf("%s: exit %d, %q, %q", line, code, got, stderr)
		}
	}
}

func TestEveryShellCompletes(t *testing.T) {
	for shell, want := range map[string]string{
		"bash": "complete -o default -F __start_greet greet", "zsh": "compdef _greet greet",
		"fish": "complete -c greet", "powershell": "Register-ArgumentCompleter -CommandName 'greet'",
	} {
		code, got, stderr := execute(command(new(greeting)), "completion "+shell)
		if code != 0 || stderr != "" || !strings.Contains(got, want) {
			t.Errorf("%s: exit %d, %q does not stand in %d bytes, %q", shell, code, want, len(got), stderr)
		}
	}
	for line, want := range map[string]string{
		"__complete fa": "faults\tFinds faults\n:", "__complete --wo": "--word\t`WORD`: say WORD (default hello)\n:",
	} {
		if _, got, _ := execute(command(new(greeting)), line); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestAHelpThatCannotBePrintedIsAnError(t *testing.T) {
	for _, line := range []string{"-h", "help", "version", "--version", "completion bash"} {
		var stderr bytes.Buffer
		code := command(new(greeting)).Execute(t.Context(), strings.Fields(line), full{}, &stderr)
		if code != cli.ExitUsage || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%s: exit %d, %q", line, code, &stderr)
		}
	}
}

// full is a device without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left") }
