package command

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Flags are those of one command, in the order of its help text. They are read as GNU's tools do: --name VALUE,
// --name=VALUE, -n VALUE, -nVALUE; switches of one letter may be joined; flags and arguments may be mixed; --
// ends the flags.
//
// It is our own because the libraries end at the first wrong flag and repeat its value, which may be a secret,
// where the tools promise all problems in one run and no value in any; and because those that read flags like
// this link net or regexp, which every build would wait for.
type Flags struct {
	// Once refuses a flag that takes one value and is given two, where of the two one would be lost in silence. Without
	// it the last one wins, as in a shell's alias that somebody overrides.
	Once bool

	all  []*flag
	args []string
	help bool
}

type flag struct {
	name, short, usage string
	// set takes the text of a value; a flag without it is a switch.
	set func(string) error
	// turn sets a switch.
	turn func(bool)
	// preset is the default that the help shows.
	preset string
	// given says that the flag stands in the command line, empty that a value of it there has no characters, on
	// what a switch was turned to.
	given, empty, on bool
	// many says that each of several values counts.
	many bool
}

// FlagError is something wrong with one flag. No value of a flag stands in it: it may be a secret.
type FlagError struct {
	// Flag is the flag with its dashes, as it was written.
	Flag string
	// Text says what is wrong, Help what to write instead, or nothing.
	Text, Help string
}

func (e FlagError) Error() string {
	text := e.Flag + ": " + e.Text
	if e.Help != "" {
		text += "; " + e.Help
	}
	return text
}

// Var adds a flag whose values go to set.
func (f *Flags) Var(name, usage string, set func(string) error) {
	f.add(&flag{name: name, usage: usage, set: set})
}

// String adds a flag for a text. What stands in backquotes in the usage is the value's name in the help.
func (f *Flags) String(p *string, name, preset, usage string) {
	*p = preset
	f.add(&flag{name: name, usage: usage, preset: preset, set: func(text string) error { *p = text; return nil }})
}

// List adds a flag that may be given several times. Each value is taken as it is, commas and all.
func (f *Flags) List(p *[]string, name, usage string) {
	f.add(&flag{name: name, usage: usage, many: true, set: func(text string) error { *p = append(*p, text); return nil }})
}

// Switch adds a flag that has no value; --name=false is understood, too.
func (f *Flags) Switch(p *bool, name, usage string) {
	f.add(&flag{name: name, usage: usage, turn: func(on bool) { *p = on }})
}

// Int adds a flag for a whole number.
func (f *Flags) Int(p *int, name string, preset int, usage string) {
	*p = preset
	f.add(&flag{name: name, usage: usage, preset: strconv.Itoa(preset), set: func(text string) (err error) {
		if *p, err = strconv.Atoi(text); err != nil {
			return errors.New("want a whole number")
		}
		return nil
	}})
}

// Float adds a flag for a number.
func (f *Flags) Float(p *float64, name string, preset float64, usage string) {
	*p = preset
	f.add(&flag{name: name, usage: usage, preset: strconv.FormatFloat(preset, 'g', -1, 64), set: func(text string) (err error) {
		if *p, err = strconv.ParseFloat(text, 64); err != nil {
			return errors.New("want a number")
		}
		return nil
	}})
}

// Duration adds a flag for a length of time, as Go writes it: 90s, 5m.
func (f *Flags) Duration(p *time.Duration, name string, preset time.Duration, usage string) {
	*p = preset
	f.add(&flag{name: name, usage: usage, preset: preset.String(), set: func(text string) (err error) {
		if *p, err = time.ParseDuration(text); err != nil {
			return errors.New("want a length of time, like 90s or 5m")
		}
		return nil
	}})
}

// Short gives the flag a letter as its second name.
func (f *Flags) Short(letter, name string) { f.named(name).short = letter }

// Given reports whether the flag stands in the command line.
func (f *Flags) Given(name string) bool { return f.named(name).given }

// Empty reports whether the flag was given an empty value, as when the shell's variable behind it was not set.
func (f *Flags) Empty(name string) bool { return f.named(name).empty }

// Args are the arguments beside the flags.
func (f *Flags) Args() []string { return f.args }

func (f *Flags) add(one *flag) { f.all = append(f.all, one) }

func (f *Flags) named(name string) *flag {
	for _, one := range f.all {
		if one.name == name {
			return one
		}
	}
	return nil
}

func (f *Flags) lettered(letter string) *flag {
	for _, one := range f.all {
		if one.short == letter {
			return one
		}
	}
	return nil
}

// Parse reads a command line without the command's name, to its end, and returns everything that is wrong.
func (f *Flags) Parse(args []string) []FlagError {
	var wrong []FlagError
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err *FlagError
		switch {
		case arg == "--":
			f.args = append(f.args, args...)
			return wrong
		case strings.HasPrefix(arg, "--"):
			args, err = f.long(arg[2:], args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = f.letters(arg[1:], args)
		default:
			f.args = append(f.args, arg)
		}
		if err != nil {
			wrong = append(wrong, *err)
		}
	}
	return wrong
}

// long reads --name, --name=VALUE or --name VALUE, and returns the arguments behind it.
func (f *Flags) long(text string, rest []string) ([]string, *FlagError) {
	name, value, inside := strings.Cut(text, "=")
	one := f.named(name)
	switch {
	case one == nil:
		return rest, &FlagError{"--" + name, "unknown flag", f.near(name)}
	case one.turn != nil:
		on, err := true, error(nil)
		if inside {
			on, err = strconv.ParseBool(value)
		}
		if err != nil {
			return rest, &FlagError{"--" + name, "want true or false", ""}
		}
		return rest, f.turn(one, "--"+name, on)
	case inside:
		return rest, f.take(one, "--"+name, value)
	}
	return f.next(one, "--"+name, rest)
}

// letters reads what stands behind one dash: switches, the last of which may be a flag with its value.
func (f *Flags) letters(text string, rest []string) ([]string, *FlagError) {
	for i := range len(text) {
		letter, behind := text[i:i+1], text[i+1:]
		one := f.lettered(letter)
		switch {
		case one == nil:
			help := ""
			if name, _, _ := strings.Cut(text, "="); i == 0 && f.named(name) != nil {
				help = "did you mean --" + name + "?"
			}
			return rest, &FlagError{"-" + letter, "unknown flag", help}
		case one.turn != nil:
			if err := f.turn(one, "-"+letter, true); err != nil {
				return rest, err
			}
		case behind != "":
			return rest, f.take(one, "-"+letter, strings.TrimPrefix(behind, "="))
		default:
			return f.next(one, "-"+letter, rest)
		}
	}
	return rest, nil
}

// next takes the next argument for the flag's value, whatever it looks like.
func (f *Flags) next(one *flag, shown string, rest []string) ([]string, *FlagError) {
	if len(rest) == 0 {
		return nil, &FlagError{shown, "its value is missing", ""}
	}
	return rest[1:], f.take(one, shown, rest[0])
}

// turn turns a switch. Turned the same way again it loses nothing.
func (f *Flags) turn(one *flag, shown string, on bool) *FlagError {
	if f.Once && one.given && one.on != on {
		return &FlagError{shown, "is given twice, once true and once false", ""}
	}
	one.given, one.on = true, on
	one.turn(on)
	return nil
}

func (f *Flags) take(one *flag, shown, value string) *FlagError {
	if f.Once && one.given && !one.many {
		return &FlagError{shown, "is given twice", "it takes one value"}
	}
	one.given = true
	one.empty = one.empty || value == ""
	if err := one.set(value); err != nil {
		return &FlagError{shown, err.Error(), ""}
	}
	return nil
}

// near suggests the flag that was meant.
func (f *Flags) near(name string) string {
	var known []string
	for _, one := range f.all {
		known = append(known, one.name)
	}
	if near, ok := diagnostic.Nearest(name, known); ok {
		return "did you mean --" + near + "?"
	}
	return ""
}

// table lists the flags with the names of their values, which stand in backquotes in the usage.
func (f *Flags) table() string {
	var rows [][2]string
	widest := 0
	for _, one := range f.all {
		name := "    "
		if one.short != "" {
			name = "-" + one.short + ", "
		}
		name += "--" + one.name
		usage := one.usage
		if one.set != nil {
			value, plain := valueName(usage)
			name, usage = name+" "+value, plain
			if d := one.preset; d != "" && d != "0" && d != "0s" && !strings.Contains(usage, "default") {
				usage += " (default " + d + ")"
			}
		}
		widest = max(widest, utf8.RuneCountInString(name))
		rows = append(rows, [2]string{name, usage})
	}
	var b strings.Builder
	for _, row := range rows {
		pad := strings.Repeat(" ", widest-utf8.RuneCountInString(row[0]))
		b.WriteString("  " + row[0] + pad + "  " + row[1] + "\n")
	}
	return b.String()
}

// valueName takes the value's name out of its backquotes.
func valueName(usage string) (name, plain string) {
	before, rest, _ := strings.Cut(usage, "`")
	if name, after, ok := strings.Cut(rest, "`"); ok {
		return name, before + name + after
	}
	return "VALUE", usage
}
