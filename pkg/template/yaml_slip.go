package template

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// failed is the problem at the first place where the text is not YAML.
func (p yamlPlaces) failed(err error) diagnostic.Problem {
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return syntaxProblem(p.source.Place(0), err.Error(), "")
	}
	s := slip{text: p.source.Text, at: p.offset(e.Mark.Line, e.Mark.Column)}
	s.begin = p.offset(e.ContextMark.Line, e.ContextMark.Column)
	s.line = 1 + strings.LastIndexAny(s.text[:s.at], "\r\n")
	if !s.near() && !s.known(e.Message) {
		s.said, s.help = e.Message, e.ContextMsg
	}
	return syntaxProblem(p.source.Place(s.at), s.said, s.help)
}

// slip looks for what a person got wrong. The library may have stopped a line after it.
type slip struct {
	text string
	// at is the byte where the library stopped, begin where what it was reading began, line where at's line begins.
	at, begin, line int
	said, help      string
}

func (s *slip) is(at int, said, help string) bool {
	s.at, s.said, s.help = at, said, help
	return true
}

var (
	noBreakSpace = regexp.MustCompile("(?m)^[^#'\"\n]*?[:-](\u00A0)")
	tightColon   = regexp.MustCompile(`(?m)^ *(?:- +)*[A-Za-z_][\w.-]*(:)[^\s:/]`)
)

// near looks for a slip in the two lines that end where the library stopped.
func (s *slip) near() bool {
	rest, from := s.text[s.at:], 1+strings.LastIndexByte(strings.TrimRight(s.text[:s.line], "\r\n "), '\n')
	above := s.text[from:s.at]
	before := strings.TrimRight(above, " ")
	if quote := strings.LastIndexAny(before, `"'`); quote >= 0 && quote == len(before)-1 {
		closing := from + quote
		if open := strings.LastIndexByte(s.text[:closing], s.text[closing]); open >= 0 &&
			strings.ContainsAny(s.text[open:closing], "\r\n") {
			return s.is(open, "not closed: "+s.text[open:open+1], "close it on the line where it begins")
		}
	}
	if strings.HasPrefix(rest, "\t") {
		return s.is(s.at, "a tab in the indentation", "indent with spaces")
	}
	if rest != "" && strings.Contains("@`%", rest[:1]) {
		return s.is(s.at, "a text cannot begin with "+rest[:1], "put it in quotes")
	}
	if m := noBreakSpace.FindStringSubmatchIndex(above); m != nil {
		return s.is(from+m[2], "a non-breaking space", "replace it with an ordinary one")
	}
	if m := tightColon.FindStringSubmatchIndex(above); m != nil {
		return s.is(from+m[2], "no space after this colon", "write KEY: VALUE; a text with a colon in it stands in quotes")
	}
	return false
}

// known replaces the library's message by one of ours.
func (s *slip) known(message string) bool {
	before := s.text[s.line:s.at]
	first := strings.TrimLeft(before, " ") == ""
	anchor, _ := strings.CutPrefix(message, "unknown anchor '")
	is := func(part string) bool { return strings.Contains(message, part) }
	switch {
	case is("control characters"):
		at := max(0, strings.IndexFunc(s.text, func(r rune) bool {
			return r < ' ' && !strings.ContainsRune("\t\r\n", r) || r >= 0x7F && r < 0xA0 && r != 0x85
		}))
		return s.is(at, "a control character", `a text with it stands in double quotes, as \u…`)
	case is("exceeded max depth"):
		return s.is(s.at, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
	case is("end of stream"):
		return s.is(s.begin, "not closed: "+s.text[s.begin:s.begin+1], "close it on the line where it begins")
	case is("expected ',' or"):
		closing := map[byte]string{'[': "]", '{': "}"}[s.text[s.begin]]
		if s.at == len(s.text) {
			return s.is(s.begin, "not closed: "+s.text[s.begin:s.begin+1], "its "+closing+" is missing")
		}
		help := "a text with , : [ ] { } in it stands in quotes"
		if s.begin < s.line {
			help += fmt.Sprintf("; or is the %s missing, for the %c of line %d?", closing, s.text[s.begin],
				1+strings.Count(s.text[:s.begin], "\n"))
		}
		return s.is(s.at, "a , or "+closing+" should stand here", help)
	case anchor != message:
		return s.is(s.at, `unknown anchor "`+strings.TrimSuffix(anchor, "' referenced")+`"`,
			"a text that begins with * stands in quotes")
	case is("alphabetic or numeric character"):
		return s.is(s.at, "an anchor or alias without a name", "a text that begins with & or * stands in quotes")
	case is("mapping values are not allowed") && strings.Contains(before, ": "):
		return s.is(s.at, "a second : on this line",
			"a text that ends with a colon, or has one before a space, stands in quotes")
	case is("mapping values are not allowed"):
		return s.is(s.at, "a : after a text of several lines",
			"does this line go on with the one above? then its colon stands in quotes; else it is indented too far")
	case is("expected ':'"):
		return s.is(s.begin, "a : is missing after this key",
			"write KEY: VALUE; a line that goes on is indented by more than its key")
	case is("unknown escape"):
		return s.is(s.at, "an unknown escape", `\\ is a backslash; in single quotes it is one by itself`)
	case is("sequence entries are not allowed"):
		return s.is(s.at, "a list begins on a line of its own", "")
	case is("expected comment or line break"):
		return s.is(s.at, "text after | or >",
			"the text begins on the next line; a text that begins with | or > stands in quotes")
	case is("expected node content"):
		return s.is(s.at, "a value or key is missing here", `an empty text is ""`)
	case (is("expected key") || is("expected '-'")) && !first:
		return s.is(s.at, "text after a value", "a text with quotes, brackets or a # in it stands in quotes as a whole")
	case is("expected key") && strings.HasPrefix(s.text[s.at:], "-"):
		return s.is(s.at, "a list item among the keys of a mapping", "indent it below its key")
	case is("expected key"):
		return s.is(s.at, "a key should stand here", "write KEY: VALUE; is its indentation that of the keys above?")
	case is("expected '-'") && s.begin < s.line && !strings.HasPrefix(s.text[s.at:], "-") &&
		s.at-s.line > s.begin-1-strings.LastIndexAny(s.text[:s.begin], "\r\n"):
		return s.is(s.at, "this line is indented less than the other keys of its list item", "indent it as they are")
	case is("expected '-'"):
		return s.is(s.at, "the next item of the list should stand here", "it begins with - and a space")
	case is("expected <document start>"):
		return s.is(s.at, "text after the end of the document", "is its indentation that of the lines above?")
	}
	return false
}
