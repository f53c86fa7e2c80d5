package cli

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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
