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
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/version"
)

// The exit codes that every command shares; each adds its own between them.
const (
	ExitOK          = 0
	ExitUsage       = 2
	ExitInterrupted = 130
)

// Command is a command line: what its help says, its flags in groups, and what it does.
type Command struct {
	// Name is the command's, of a subcommand the last word; Arguments follow it in the usage line: "[flags] TEMPLATE".
	Name, Arguments string
	// About says in a few lines what the command does and what it refuses to do; a list of commands shows what stands
	// before its first colon or full stop. Example is one or more command lines that work as they stand, Exit explains the
	// exit codes, one a line.
	About, Example, Exit string
	// Commands are the subcommands. A command line that is executed gets help, version and completion, too.
	Commands []*Command
	// Do runs the command with the arguments beside its flags, and returns the exit code. An error is printed
	// behind the command's name.
	Do func(ctx context.Context, args []string) (code int, err error)
	// Wrong says what is wrong with the command line (a *UsageError) or the standard output, and returns the exit
	// code. Where it is nil, the text is printed behind the command's name.
	Wrong func(err error) int

	groups []*pflag.FlagSet // by their headlines
	cobra  *cobra.Command
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

// Described returns the command whose help text is help/NAME.txt: the text as it is shown, but for the flags.
func Described(texts embed.FS, name string) *Command {
	text, _ := texts.ReadFile("help/" + name + ".txt") // it is there
	usage, about, _ := strings.Cut(strings.ReplaceAll(string(text), "\n  ", "\n"), "\n\n")
	about, exit, _ := strings.Cut(about, "\n\nexit codes:\n")
	about, example, _ := strings.Cut(about, "\n\nexample:\n")
	_, arguments, _ := strings.Cut(usage, name+" ")
	return &Command{Name: name, Arguments: arguments, About: about, Example: example, Exit: exit}
}

// Group adds a group of flags to the command, shown in the help in the order in which they are defined.
func (c *Command) Group(title string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
	flags.SortFlags = false
	c.groups = append(c.groups, flags)
	return flags
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

func (o *Stdout) print(text string) (code int, err error) {
	_, err = io.WriteString(o, text)
	return ExitOK, err
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
	short, _, _ := strings.Cut(c.About, ":")
	short, _, _ = strings.Cut(short, ".")
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
	general := c.Group("general")
	general.BoolP("help", "h", false, "show this help")
	general.BoolFunc("version", "print the version", func(string) error { return errVersion })
	for _, flags := range c.groups {
		c.cobra.Flags().AddFlagSet(flags)
	}
	c.cobra.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if errors.Is(err, errVersion) {
			_, _ = out.print(c.versionText())
		} else {
			ended(ExitOK, c.withoutValue(err))
		}
		return nil
	})
	c.cobra.SetHelpFunc(func(*cobra.Command, []string) { _, _ = out.print(c.helpText()) })
	for _, sub := range c.Commands {
		sub.build(out, stderr, code)
		c.cobra.AddCommand(sub.cobra)
		if sub.Name == "help" {
			c.cobra.SetHelpCommand(sub.cobra)
		}
	}
}

// general are the subcommands that every command line has.
func (c *Command) general(out *Stdout) []*Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return []*Command{
		{
			Name: "help", Arguments: "[COMMAND]", About: "Shows the help of a command.",
			Do: func(_ context.Context, args []string) (int, error) {
				about, rest, _ := c.cobra.Find(args)
				if len(rest) > 0 {
					return 0, &UsageError{Text: "there is no such command", Help: c.Near(rest[0])}
				}
				return ExitOK, about.Help()
			},
		},
		{
			Name: "version", About: "Prints the version.",
			Do: func(context.Context, []string) (int, error) { return out.print(c.versionText()) },
		},
		{
			Name: "completion", Arguments: strings.Join(shells, "|"),
			About: "Prints a script for a shell: it then completes commands, flags and files.\n" +
				"Bash needs the package bash-completion, zsh its compinit.",
			Example: fmt.Sprintf("source <(%[1]s completion bash)   # in ~/.bashrc, or .zshrc with zsh\n"+
				"%[1]s completion fish >~/.config/fish/completions/%[1]s.fish", c.Name),
			Do: func(_ context.Context, args []string) (int, error) {
				shell := strings.Join(args, " ")
				write := map[string]func(io.Writer) error{
					"bash": func(w io.Writer) error { return c.cobra.GenBashCompletionV2(w, true) },
					"zsh":  c.cobra.GenZshCompletion, "powershell": c.cobra.GenPowerShellCompletionWithDesc,
					"fish": func(w io.Writer) error { return c.cobra.GenFishCompletion(w, true) },
				}[shell]
				if write != nil {
					return ExitOK, write(out)
				}
				help := cmp.Or(meant("", shell, shells), "want one of "+strings.Join(shells, ", "))
				return 0, &UsageError{Text: "there is no script for that shell", Help: help}
			},
		},
	}
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
