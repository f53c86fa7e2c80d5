// Package cli is what the commands share at the terminal: flags, a help text that teaches with an example, one
// way to say what is wrong, exit codes, result files that are written whole or not at all, and files of
// variables. The flags, subcommands and completions are cobra's.
//
// It refuses to know what any command does, to end the process (main does), and to show what stands in a flag:
// it may be a secret, so none of cobra's own messages is printed.
//
// Why cobra, and why no library reads variables or writes files, is in pkg/README.md, with the figures.
package cli

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/version"
)

// The exit codes that every command shares; each adds its own between them.
const (
	ExitOK          = 0
	ExitUsage       = 2
	ExitInterrupted = 130
)

// Command is a command line: its help, its flags, and what it does.
type Command struct {
	// Name is the command's, of a subcommand the last word.
	Name string
	// Help is the help as it is shown: the usage, in a few lines what the command does and what it refuses to do, the flags
	// in groups, the commands, one or more command lines that work as they stand, the exit codes. A list of commands shows
	// what stands before the first colon or full stop. What is indented and begins with dashes is a flag.
	Help string
	// Flags are where the values go of the flags that Help names.
	Flags Flags
	// Commands are the subcommands. A command line that is executed gets help, version and completion, too.
	Commands []*Command
	// Do runs the command with the arguments beside its flags, and returns the exit code. An error is printed
	// behind the command's name.
	Do func(ctx context.Context, args []string) (code int, err error)
	// Wrong says what is wrong with the command line (a *UsageError) or the standard output, and returns the exit
	// code. Where it is nil, the text is printed behind the command's name.
	Wrong func(err error) int

	cobra *cobra.Command
}

// UsageError is a command line that makes no sense: a flag with its dashes, or none, what is wrong, and what to write
// instead, where that is known. No value of a flag stands in it.
type UsageError struct{ Flag, Text, Help string }

// Usagef returns a UsageError with the text.
func Usagef(format string, args ...any) error { return &UsageError{Text: fmt.Sprintf(format, args...)} }

// When returns a UsageError with the text where it is so, and nil where it is not.
func When(so bool, format string, args ...any) error {
	if so {
		return Usagef(format, args...)
	}
	return nil
}

func (e *UsageError) Error() string {
	return strings.TrimPrefix(e.Flag+": ", ": ") + strings.TrimSuffix(e.Text+"; "+e.Help, "; ")
}

// Described returns the command whose help is help/NAME.txt.
func Described(texts fs.FS, name string, flags Flags) *Command {
	text, _ := fs.ReadFile(texts, "help/"+name+".txt") // it is there
	return &Command{Name: name, Help: string(text), Flags: flags}
}

// Given reports whether the flag stands in the command line.
func (c *Command) Given(name string) bool { return c.cobra.Flags().Changed(name) }

// Empty reports whether the flag was given an empty value, as when the shell's variable behind it was not set.
func (c *Command) Empty(name string) bool {
	flag := c.cobra.Flag(name)
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return slices.Contains(list.GetSlice(), "")
	}
	return flag.Changed && flag.Value.String() == ""
}

// Near asks whether a subcommand was meant by an argument that is nothing else; "" where none is near.
func (c *Command) Near(arg string) string {
	if c == nil { // a Run that was not started by a command line
		return ""
	}
	var known []string
	for _, sub := range c.Commands {
		known = append(known, sub.Name)
	}
	return meant("the command ", arg, known)
}

// Execute runs the command line, which comes without the command's name, and returns the exit code.
func (c *Command) Execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &Stdout{W: stdout}
	c.Commands = append(c.Commands, c.general(out)...)
	code := ExitOK
	c.build(out, stderr, &code) //nolint:contextcheck // cobra hands the context on
	c.cobra.CompletionOptions.DisableDefaultCmd = true
	c.cobra.SetOut(out)
	c.cobra.SetErr(stderr)
	c.cobra.SetArgs(append([]string{}, args...)) // cobra would take the process's own for nil
	err := c.cobra.ExecuteContext(ctx)
	if err = errors.Join(err, out.Err); err != nil && code == ExitOK {
		return c.Wrong(err)
	}
	return code
}

// Stdout is the standard output, and whether it could be written: nobody may take silence for a good end.
type Stdout struct {
	W io.Writer
	// Err is the first error.
	Err error
	mu  sync.Mutex
}

func (o *Stdout) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.W.Write(text)
	o.Err = cmp.Or(o.Err, err)
	return n, err
}

func (o *Stdout) print(text string) error {
	_, err := io.WriteString(o, text)
	return err
}

// errVersion is how --version ends the reading of flags, wherever it stands.
var errVersion = errors.New("the version was asked for")

// build makes cobra's commands of the command and those below it. The one that runs leaves its exit code.
func (c *Command) build(out *Stdout, stderr io.Writer, code *int) {
	ended := func(with int, err error) {
		if *code = with; err != nil {
			*code = c.Wrong(err)
		}
	}
	_, about, _ := strings.Cut(c.Help, "\n\n")
	short := about[:max(0, strings.IndexAny(about, ":."))]
	c.cobra = &cobra.Command{
		Use: c.Name, Short: short, Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true,
		Run: func(command *cobra.Command, args []string) { ended(c.Do(command.Context(), args)) },
	}
	if c.Wrong == nil {
		c.Wrong = func(err error) int { // as lines for the user, with the way to the help
			path := c.cobra.CommandPath()
			for line := range strings.Lines(err.Error()) {
				_, _ = fmt.Fprintf(stderr, "%s: %s\n", path, strings.TrimSuffix(line, "\n"))
			}
			if _, ok := errors.AsType[*UsageError](err); ok {
				_, _ = fmt.Fprintf(stderr, "  help: %s -h shows the flags and an example\n", path)
			}
			return ExitUsage
		}
	}
	c.define()
	c.cobra.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if errors.Is(err, errVersion) {
			_ = out.print(c.versionText())
		} else {
			ended(ExitOK, c.withoutValue(err))
		}
		return nil
	})
	c.cobra.SetHelpFunc(func(*cobra.Command, []string) { _ = out.print(c.Help) })
	for _, sub := range c.Commands {
		sub.build(out, stderr, code)
		c.cobra.AddCommand(sub.cobra)
		if sub.Name == "help" {
			c.cobra.SetHelpCommand(sub.cobra)
		}
	}
}

// texts are the help texts of the subcommands that every command line has.
//
//go:embed help
var texts embed.FS

// general are those subcommands.
func (c *Command) general(out *Stdout) (all []*Command) {
	does := map[string]func(args []string) error{
		"help": func(args []string) error {
			about, rest, _ := c.cobra.Find(args)
			if len(rest) > 0 {
				return &UsageError{Text: "there is no such command", Help: c.Near(rest[0])}
			}
			return about.Help()
		},
		"version": func([]string) error { return out.print(c.versionText()) },
		"completion": func(args []string) error {
			shell, shells := strings.Join(args, " "), []string{"bash", "zsh", "fish", "powershell"}
			write := map[string]func(io.Writer) error{
				"bash": func(w io.Writer) error { return c.cobra.GenBashCompletionV2(w, true) },
				"zsh":  c.cobra.GenZshCompletion, "powershell": c.cobra.GenPowerShellCompletionWithDesc,
				"fish": func(w io.Writer) error { return c.cobra.GenFishCompletion(w, true) },
			}[shell]
			if write != nil {
				return write(out)
			}
			help := cmp.Or(meant("", shell, shells), "want one of "+strings.Join(shells, ", "))
			return &UsageError{Text: "there is no script for that shell", Help: help}
		},
	}
	for _, name := range []string{"help", "version", "completion"} {
		sub := Described(texts, name, nil)
		sub.Help = strings.ReplaceAll(sub.Help, "PROGRAM", c.Name)
		sub.Do = func(_ context.Context, args []string) (int, error) { return ExitOK, does[name](args) }
		all = append(all, sub)
	}
	return all
}

// versionText is name, version, Go, platform and commit.
func (c *Command) versionText() string {
	commit := version.Commit()
	if commit != "" {
		commit = ", commit " + commit
	}
	name, platform := c.cobra.Root().Name(), runtime.GOOS+"/"+runtime.GOARCH
	return fmt.Sprintf("%s %s (%s, %s%s)\n", name, version.Number(), runtime.Version(), platform, commit)
}

// withoutValue says what is wrong with a flag in our words: pflag's repeat its value.
func (c *Command) withoutValue(err error) error {
	switch wrong := err.(type) { //nolint:errorlint // pflag returns them as they are
	case *pflag.NotExistError:
		name := wrong.GetSpecifiedName()
		if letters := wrong.GetSpecifiedShortnames(); letters != "" {
			help := ""
			if long, _, _ := strings.Cut(letters, "="); c.cobra.Flag(long) != nil { // given with one dash
				help = "did you mean --" + long + "?"
			}
			return &UsageError{"-" + name, "unknown flag", help}
		}
		var known []string
		c.cobra.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
		return &UsageError{"--" + name, "unknown flag", meant("--", name, known)}
	case *pflag.ValueRequiredError:
		shown := "--" + wrong.GetSpecifiedName()
		if wrong.GetSpecifiedShortnames() != "" {
			shown = shown[1:]
		}
		return &UsageError{shown, "its value is missing", ""}
	case *pflag.InvalidValueError:
		flag := wrong.GetFlag()
		wanted := map[string]string{
			"int": "want a whole number", "float64": "want a number", "bool": "want true or false",
			"duration": "want a length of time, like 90s or 5m",
		}[flag.Value.Type()]
		return &UsageError{"--" + flag.Name, cmp.Or(wanted, wrong.Unwrap().Error()), ""} // our own functions' say it themselves
	}
	return &UsageError{"--", "unknown flag", ""} // --=x
}

// meant suggests a known name; "" where none is near.
func meant(what, name string, known []string) string {
	if near, ok := diagnostic.Nearest(name, known); ok {
		return "did you mean " + what + near + "?"
	}
	return ""
}

// Flags are where the values of flags go, by the flags' names: a *string, *bool, *int, *float64 or *time.Duration that holds
// the default, a *[]string for a flag that is repeatable, or a function that takes each value.
type Flags map[string]any

// define defines the flags that the help names. A help that names others than the command has, or not their defaults, is
// a mistake of ours, and no command starts with it.
func (c *Command) define() {
	flags, all := c.cobra.Flags(), Flags{"help": new(bool), "version": errVersion}
	maps.Copy(all, c.Flags)
	text, _, _ := strings.Cut(c.Help, "\nexample:\n")
	row := regexp.MustCompile(`(?m)^  (?:-(.), |    )--(\S+)(.*)\n((?: {28}.*\n)*)`)
	for _, found := range row.FindAllStringSubmatch(text, -1) {
		letter, name := found[1], found[2]
		value, usage, _ := strings.Cut(found[3], "  ")
		usage = strings.Join(strings.Fields(usage+" "+found[4]), " ")
		if value != "" {
			usage = "`" + value[1:] + "`: " + usage
		}
		switch to := all[name].(type) {
		case *string:
			flags.StringVarP(to, name, letter, *to, usage)
		case *bool:
			flags.BoolVarP(to, name, letter, *to, usage)
		case *int:
			flags.IntVarP(to, name, letter, *to, usage)
		case *float64:
			flags.Float64VarP(to, name, letter, *to, usage)
		case *time.Duration:
			flags.DurationVarP(to, name, letter, *to, usage)
		case *[]string:
			flags.StringArrayVarP(to, name, letter, *to, usage)
		case func(string) error:
			flags.Func(name, usage, to)
		case error: // which ends the reading of flags
			flags.BoolFunc(name, usage, func(string) error { return to })
		}
		delete(all, name)
		none := []string{"", "0", "0s", "false", "[]"}
		if f := flags.Lookup(name); f == nil || !slices.Contains(none, f.DefValue) && !strings.Contains(usage, "default") {
			panic("the help of " + c.Name + " is wrong about --" + name)
		}
	}
	if len(all) > 0 {
		panic(fmt.Sprintf("the help of %s does not name %v", c.Name, slices.Collect(maps.Keys(all))))
	}
}
