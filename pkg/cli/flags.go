package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

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

// A help text keeps to width, and what it says of a flag begins in column; both are counted in characters.
const (
	width  = 80
	column = 28
)

func (c *Command) helpText() string {
	var b strings.Builder
	path := c.cobra.CommandPath()
	fmt.Fprintf(&b, "usage: %s %s\n", path, c.Arguments)
	if len(c.Commands) > 0 {
		fmt.Fprintf(&b, "       %s COMMAND\n", path)
	}
	b.WriteString("\n" + strings.TrimSpace(c.About) + "\n")
	for _, flags := range c.groups {
		fmt.Fprintf(&b, "\n%s:\n", flags.Name())
		flags.VisitAll(func(flag *pflag.Flag) { b.WriteString(row(described(flag))) })
	}
	if len(c.Commands) > 0 {
		b.WriteString("\ncommands:\n")
	}
	for _, sub := range c.Commands {
		b.WriteString(row("  "+sub.Name, sub.cobra.Short))
	}
	for _, part := range [][2]string{{"example", c.Example}, {"exit codes", c.Exit}} {
		if text := strings.TrimSpace(part[1]); text != "" {
			fmt.Fprintf(&b, "\n%s:\n  %s\n", part[0], strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	return b.String()
}

// described is a flag with its value's name, which stands in backquotes in the usage ("`FILE`: where the result goes"), and
// what the usage says beside that.
func described(flag *pflag.Flag) (name, text string) {
	value, text := pflag.UnquoteUsage(flag)
	name = "      --" + flag.Name
	if flag.Shorthand != "" {
		name = "  -" + flag.Shorthand + ", --" + flag.Name
	}
	text = strings.TrimPrefix(text, value+": ")
	if _, list := flag.Value.(pflag.SliceValue); list {
		text += " (repeatable)"
	}
	none := []string{"", "0", "0s", "false", "[]"}
	if !slices.Contains(none, flag.DefValue) && !strings.Contains(text, "default") {
		text += " (default " + flag.DefValue + ")"
	}
	return strings.TrimRight(name+" "+value, " "), text
}

// row is a line of a table, and as many below it as the text needs.
func row(name, text string) string {
	lines := []string{fmt.Sprintf("%-*s", column, name)}
	if utf8.RuneCountInString(name) > column-2 {
		lines = []string{name, strings.Repeat(" ", column)}
	}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch at := utf8.RuneCountInString(*last); {
		case at == column:
			*last += word
		case at+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, strings.Repeat(" ", column)+word)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
