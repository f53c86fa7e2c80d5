// Package command is what the tools share at the terminal: flags that may stand anywhere, a help text
// that teaches with an example, and one way to say that a flag is wrong.
//
// It refuses to know what any tool does, and it never exits: main does.
package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// The exit codes that every tool shares; each adds its own between them.
const (
	ExitOK          = 0
	ExitUsage       = 2
	ExitInterrupted = 130
)

// ErrHelp is returned by Parse when the user asked for help, which has then been printed: exit 0.
var ErrHelp = errors.New("help was asked for")

// Spec is what the help text of a tool says around its flags.
type Spec struct {
	// Name is the command's: "render-taskdef".
	Name string
	// Arguments follows the name in the usage line: "[flags] TEMPLATE".
	Arguments string
	// About says in a few lines what the command does and what it refuses to do.
	About string
	// Example is one or more command lines that work as they stand.
	Example string
	// Exit explains the exit codes, one a line.
	Exit string
}

// UsageError is a command line that makes no sense. Main prints it and exits with ExitUsage.
type UsageError struct{ text string }

// Usagef returns a UsageError with the text.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

func (e *UsageError) Error() string { return e.text }

// Flags returns an empty flag set for the tool. Flags and arguments may be mixed; "--" ends the flags.
func (s Spec) Flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet(s.Name, pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(io.Discard) // Parse prints, once and in one form
	flags.BoolP("help", "h", false, "show this help")
	return flags
}

// Parse reads args (without the command's name) into flags. With -h it prints the help to stdout and
// returns ErrHelp. Anything wrong is a *UsageError that suggests the flag that was meant.
func (s Spec) Parse(flags *pflag.FlagSet, args []string, stdout io.Writer) error {
	err := flags.Parse(args)
	if help, _ := flags.GetBool("help"); help || errors.Is(err, pflag.ErrHelp) {
		if _, err := io.WriteString(stdout, s.help(flags)); err != nil {
			return err
		}
		return ErrHelp
	}
	if err == nil {
		return nil
	}
	text := strings.Replace(err.Error(), "unknown shorthand flag", "unknown flag", 1)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		text, _, _ = strings.Cut(text, "=") // what follows may be a secret: -var=TOKEN=…
		var known []string
		flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near, ok := diagnostic.Nearest(unknown.GetSpecifiedName(), known); ok {
			text += fmt.Sprintf("; did you mean --%s?", near)
		}
	}
	return &UsageError{text}
}

func (s Spec) help(flags *pflag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s %s\n\n%s\n\nflags:\n%s", s.Name, s.Arguments, strings.TrimSpace(s.About), table(flags))
	if s.Example != "" {
		fmt.Fprintf(&b, "\nexample:\n%s\n", indent(s.Example))
	}
	if s.Exit != "" {
		fmt.Fprintf(&b, "\nexit codes:\n%s\n", indent(s.Exit))
	}
	return b.String()
}

// table lists the flags, their values' names taken from the backquoted word of each usage. pflag's own
// table writes "[=true|false]" behind every switch, which teaches nothing.
func table(flags *pflag.FlagSet) string {
	var rows [][2]string
	widest := 0
	flags.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		name := "    "
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", "
		}
		name += "--" + f.Name
		if f.Value.Type() != "bool" {
			name += " " + value
			if d := f.DefValue; d != "" && d != "[]" && d != "0" && !strings.Contains(usage, "default") {
				usage += " (default " + d + ")"
			}
		}
		widest = max(widest, utf8.RuneCountInString(name))
		rows = append(rows, [2]string{name, usage})
	})
	var b strings.Builder
	for _, row := range rows {
		pad := strings.Repeat(" ", widest-utf8.RuneCountInString(row[0]))
		b.WriteString("  " + row[0] + pad + "  " + row[1] + "\n")
	}
	return b.String()
}

// Fail prints what Parse or the tool returned as one line for the user, with the way to the help where
// the command line was wrong, and returns code, or ExitOK and ExitUsage where the error says so.
func (s Spec) Fail(err error, code int) int {
	if errors.Is(err, ErrHelp) {
		return ExitOK
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
	if _, ok := errors.AsType[*UsageError](err); ok {
		fmt.Fprintf(os.Stderr, "  help: %s -h shows the flags and an example\n", s.Name)
		return ExitUsage
	}
	return code
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
