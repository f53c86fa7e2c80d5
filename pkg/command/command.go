// Package command is what the tools share at the terminal: flags that may stand anywhere, a help text
// that teaches with an example, and one way to say what is wrong with the flags, all of it in one run.
//
// It refuses to know what any tool does, and it never exits: main does.
package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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

// Flags returns the flags of the tool, which are -h and those that are added.
func (s Spec) Flags() *Flags {
	f := &Flags{all: make([]*flag, 0, 32)} // more than any tool has
	f.Switch(&f.help, "help", "show this help")
	f.Short("h", "help")
	return f
}

// Parse reads args (without the command's name) into flags. With -h it prints the help to stdout and
// returns ErrHelp. Anything wrong with a flag is a *UsageError.
func (s Spec) Parse(flags *Flags, args []string, stdout io.Writer) error {
	wrong := flags.Parse(args)
	if len(wrong) > 0 {
		texts := make([]string, len(wrong))
		for i, w := range wrong {
			texts[i] = w.Error()
		}
		return &UsageError{strings.Join(texts, "\n")}
	}
	return s.Help(flags, stdout)
}

// Help prints the help to stdout and returns ErrHelp when the command line asks for it.
func (s Spec) Help(flags *Flags, stdout io.Writer) error {
	if !flags.help {
		return nil
	}
	if _, err := io.WriteString(stdout, s.help(flags)); err != nil {
		return err
	}
	return ErrHelp
}

func (s Spec) help(flags *Flags) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s %s\n\n%s\n\nflags:\n%s", s.Name, s.Arguments, strings.TrimSpace(s.About), flags.table())
	if s.Example != "" {
		fmt.Fprintf(&b, "\nexample:\n%s\n", indent(s.Example))
	}
	if s.Exit != "" {
		fmt.Fprintf(&b, "\nexit codes:\n%s\n", indent(s.Exit))
	}
	return b.String()
}

// Fail prints what Parse or the tool returned as one line for the user, with the way to the help where
// the command line was wrong, and returns code, or ExitOK and ExitUsage where the error says so.
func (s Spec) Fail(err error, code int) int {
	if errors.Is(err, ErrHelp) {
		return ExitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.Name, strings.TrimSuffix(line, "\n"))
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		fmt.Fprintf(os.Stderr, "  help: %s -h shows the flags and an example\n", s.Name)
		return ExitUsage
	}
	return code
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}
