package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// once is the value of a flag that may be given one value.
type once struct {
	pflag.Value
	given bool
}

var errTwice = errors.New("is given twice")

// takeOnce makes a flag refuse a second value. A list counts each, and a switch that is turned again loses nothing.
func takeOnce(flag *pflag.Flag) {
	if _, list := flag.Value.(pflag.SliceValue); !list && flag.NoOptDefVal == "" {
		flag.Value = &once{Value: flag.Value}
	}
}

// Set takes the one value.
func (o *once) Set(text string) error {
	if o.given {
		return errTwice
	}
	o.given = true
	return o.Value.Set(text)
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
		return &UsageError{"--" + name, "unknown flag", c.near(name)}
	case *pflag.ValueRequiredError:
		shown := "--" + wrong.GetSpecifiedName()
		if wrong.GetSpecifiedShortnames() != "" {
			shown = shown[1:]
		}
		return &UsageError{shown, "its value is missing", ""}
	case *pflag.InvalidValueError:
		usage := &UsageError{"--" + wrong.GetFlag().Name, wanted(wrong), ""}
		if errors.Is(wrong, errTwice) {
			usage.Text, usage.Help = errTwice.Error(), "it takes one value"
		}
		return usage
	}
	return &UsageError{"--", "unknown flag", ""} // --=x
}

// wanted says what a flag takes.
func wanted(wrong *pflag.InvalidValueError) string {
	switch wrong.GetFlag().Value.Type() {
	case "int":
		return "want a whole number"
	case "float64":
		return "want a number"
	case "duration":
		return "want a length of time, like 90s or 5m"
	case "bool":
		return "want true or false"
	}
	return wrong.Unwrap().Error() // our own functions'
}

// near suggests the flag that was meant.
func (c *Command) near(name string) string {
	var known []string
	c.cobra.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	return meant("--", name, known)
}

// meant suggests a known name; "" where none is near.
func meant(what, name string, known []string) string {
	if near, ok := diagnostic.Nearest(name, known); ok {
		return "did you mean " + what + near + "?"
	}
	return ""
}
