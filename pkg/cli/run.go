package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// The exit codes of a renderer beside the shared ones.
const (
	ExitFile   = 1 // a file cannot be read or written
	ExitUnset  = 3 // variables without a value
	ExitSyntax = 4 // input that does not parse
	ExitRule   = 5 // a rule is broken
)

// Run is one run of a renderer: it reads capped input, collects problems, prints them in one form, chooses the
// exit code, and writes only when nothing is wrong.
type Run struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Problems are those found so far.
	Problems diagnostic.List

	command       *Command
	format        string
	werror, quiet bool
	// ignored are the codes of warnings that nobody wants to see, and "CODE FILE:LINE" where a comment names one.
	ignored []string
	// stdinTaken says that the standard input has been read: it comes once.
	stdinTaken bool
}

// Execute runs a renderer's command line: do with the arguments beside the flags, to which it adds those that both
// renderers have. It returns the exit code.
func (r *Run) Execute(c *Command, args []string, do func(args []string)) int {
	r.command = c
	r.format = string(diagnostic.Text)
	maps.Copy(c.Flags, Flags{"format": &r.format, "werror": &r.werror, "quiet": &r.quiet, "ignore": &r.ignored})
	c.Do = func(_ context.Context, args []string) (int, error) {
		r.checkFormat()
		for _, code := range r.ignored {
			if !isCode(code) {
				r.Usage("--ignore", "want the code of a rule", "it stands in [ ] behind a warning: --ignore GL022")
			}
		}
		do(args)
		return r.End(), nil
	}
	c.Wrong = func(err error) int {
		if usage, ok := errors.AsType[*UsageError](err); ok {
			// The format may stand behind what is wrong, and programs want what is wrong in it.
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			flags.ParseErrorsAllowlist.UnknownFlags = true
			flags.Usage = func() {} // of a -h beside it
			flags.StringVar(&r.format, "format", r.format, "")
			_ = flags.Parse(args) // what is wrong has been found
			r.checkFormat()
			r.Usage(usage.Flag, usage.Text, usage.Help)
		} else {
			r.file("standard output", err)
		}
		return r.End()
	}
	return c.Execute(context.Background(), args, r.Stdout, r.Stderr)
}

// isCode reports whether a text is the code of a rule.
func isCode(s string) bool { return regexp.MustCompile(`^GL[0-9]{3}$`).MatchString(s) }

// waive notes the comments of a file: each is for its own line and for the next one.
func (r *Run) waive(name, text string) {
	if !strings.Contains(text, "greenlight:ignore") {
		return
	}
	waiver := regexp.MustCompile(`(?:#|//)[ \t]*greenlight:ignore\b[ \t]*(\S*)[ \t]*(.*)`)
	for i, line := range strings.Split(text, "\n") {
		m := waiver.FindStringSubmatch(line)
		switch at := (diagnostic.Place{File: Name(name), Line: i + 1}); {
		case m == nil:
		case !isCode(m[1]) || strings.TrimSpace(m[2]) == "":
			r.Add(diagnostic.Problem{
				Place: at, Text: "greenlight:ignore wants a code and a reason",
				Help: "greenlight:ignore GL022 the value is public",
			})
		default:
			next := diagnostic.Place{File: at.File, Line: at.Line + 1}
			r.ignored = append(r.ignored, m[1]+" "+at.String(), m[1]+" "+next.String())
		}
	}
}

// Add notes problems, but for warnings that are turned off.
func (r *Run) Add(problems ...diagnostic.Problem) {
	for _, p := range problems {
		code := diagnostic.Code(p.Rule)
		line := diagnostic.Place{File: p.File, Line: p.Line}
		off := slices.Contains(r.ignored, code) || slices.Contains(r.ignored, code+" "+line.String())
		if p.Fatal() || !off {
			r.Problems = append(r.Problems, p)
		}
	}
}

// Usage notes that a flag makes no sense.
func (r *Run) Usage(flag, text, help string) {
	r.Add(diagnostic.Problem{Place: diagnostic.Place{Flag: flag}, Cause: diagnostic.Usage, Text: text, Help: help})
}

// checkFormat notes a wrong --format.
func (r *Run) checkFormat() {
	if !slices.Contains(diagnostic.Formats(), diagnostic.Format(r.format)) {
		r.Usage("--format", "want text, json, github or sarif", "")
		r.format = string(diagnostic.Text)
	}
}

// NotEmpty notes those of the named flags that were given an empty value, as when the shell's variable behind
// one was not set: what the flag asks for must not be left out in silence.
func (r *Run) NotEmpty(names ...string) {
	for _, name := range names {
		if r.command.Empty(name) {
			r.Usage("--"+name, "is empty", "the variable behind it is not set")
		}
	}
}

// JSON reports whether what is printed is for programs.
func (r *Run) JSON() bool { return r.format == string(diagnostic.JSON) }

// Failed reports whether something stops the run.
func (r *Run) Failed() bool { return len(r.Problems.Errors(r.werror)) > 0 }

// Name is a file's name for messages.
func Name(file string) string {
	if file == "-" {
		return "stdin"
	}
	return file
}

// SameFile reports whether two names are of one file that exists.
func SameFile(a, b string) bool {
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	return errors.Join(err1, err2) == nil && os.SameFile(first, second)
}

// Read returns a file's text; "-" is the standard input. A file longer than template.MaxSize is refused unread.
// The standard input can be read once.
func (r *Run) Read(name string) (string, bool) {
	if name == "-" && r.stdinTaken {
		r.Add(diagnostic.Problem{
			Place: diagnostic.Place{File: Name(name)}, Cause: diagnostic.Usage,
			Text: "the standard input is asked for twice", Help: "give one of the two as a file",
		})
		return "", false
	}
	r.stdinTaken = r.stdinTaken || name == "-"
	text, err := ReadFile(name, r.Stdin)
	if err != nil {
		r.file(Name(name), err)
		return "", false
	}
	r.waive(name, text)
	return text, true
}

// Parse reads a file by read, and notes what is wrong with it. It is false where there is no name, or anything is wrong.
func Parse[T any](r *Run, name string, read func(name, text string) (T, diagnostic.List)) (parsed T, ok bool) {
	if name == "" {
		return parsed, false
	}
	text, ok := r.Read(name)
	if !ok {
		return parsed, false
	}
	parsed, problems := read(Name(name), text)
	r.Add(problems...)
	return parsed, len(problems.Errors(false)) == 0
}

// ReadFile returns a file's text; "-" is in. What is longer than template.MaxSize is refused, also what has no end.
func ReadFile(name string, in io.Reader) (string, error) {
	var text strings.Builder
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close() //nolint:errcheck // only read
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if info.Size() > template.MaxSize {
				return "", fmt.Errorf("longer than %d bytes (it has %d)", template.MaxSize, info.Size())
			}
			text.Grow(int(info.Size()))
		}
		in = f
	}
	n, err := io.Copy(&text, io.LimitReader(in, template.MaxSize+1))
	if err == nil && n > template.MaxSize {
		err = fmt.Errorf("longer than %d bytes", template.MaxSize)
	}
	return text.String(), err
}

// file notes a file that cannot be read or written, without repeating its name.
func (r *Run) file(name string, err error) {
	text, help := err.Error(), ""
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		text = path.Op + ": " + path.Err.Error()
	}
	if errors.Is(err, fs.ErrNotExist) {
		help = cmp.Or(r.command.Near(name), "paths are relative to the working directory")
	}
	r.Add(diagnostic.Problem{Place: diagnostic.Place{File: name}, Cause: diagnostic.File, Text: text, Help: help})
}

// Output is a result and where it goes; the name "-" is the standard output.
type Output struct {
	Name string
	Data []byte
}

// Write writes the results, all of them or none: no file is replaced before every one could be written.
func (r *Run) Write(outputs ...Output) {
	var all []*Staged
	defer func() {
		for _, s := range all { // those that were not committed
			s.Discard()
		}
	}()
	for _, out := range outputs {
		if out.Name == "-" {
			all = append(all, &Staged{name: "standard output", commit: func() error {
				_, err := r.Stdout.Write(out.Data)
				return err
			}})
			continue
		}
		staged, err := Stage(out.Name, out.Data)
		if err != nil {
			r.file(out.Name, err)
			return
		}
		all = append(all, staged)
	}
	// What cannot be taken back comes behind what was tried, and replacing files, which hardly fails, last.
	slices.SortStableFunc(all, func(a, b *Staged) int { return cmp.Compare(min(len(a.tmp), 1), min(len(b.tmp), 1)) })
	for _, staged := range all {
		if err := staged.Commit(); err != nil {
			r.file(staged.name, err)
			if staged.tmp == "" {
				return
			}
		}
	}
}

// End prints the problems and returns the exit code.
func (r *Run) End() int {
	shown := slices.Clone(r.Problems)
	if r.quiet {
		shown = shown.Errors(r.werror)
	}
	for i := range shown {
		if r.werror { // what stops the run is not a warning
			shown[i].Severity = diagnostic.Error
		}
	}
	program := ""
	if r.command != nil {
		program = r.command.Name
	}
	if err := shown.Write(r.Stderr, diagnostic.Format(r.format), program); err != nil {
		return ExitFile
	}
	cause, failed := r.Problems.Errors(r.werror).Cause()
	if !failed {
		return ExitOK
	}
	return [...]int{
		diagnostic.Rule: ExitRule, diagnostic.Unset: ExitUnset, diagnostic.Syntax: ExitSyntax, diagnostic.Usage: ExitUsage,
		diagnostic.File: ExitFile,
	}[cause]
}
