package jsonpath

import (
	"regexp"
	"unicode/utf8"
)

func (j joined) holds(r *run, at any) bool {
	decides := j.op == "||"
	for _, cond := range j.parts {
		if cond.holds(r, at) == decides {
			return decides
		}
	}
	return !decides
}

func (n not) holds(r *run, at any) bool    { return !n.cond.holds(r, at) }
func (e exists) holds(r *run, at any) bool { return len(r.find(e.query, at, 1)) > 0 }

func (c comparison) holds(r *run, at any) bool {
	left, haveLeft := c.left.of(r, at)
	right, haveRight := c.right.of(r, at)
	equal := func() bool {
		return haveLeft == haveRight && (!haveLeft || r.equal(left, right))
	}
	less := func() bool { return haveLeft && haveRight && r.less(left, right) }
	if c.op[0] == '>' {
		left, right = right, left
	}
	switch c.op {
	case "==":
		return equal()
	case "!=":
		return !equal()
	case "<", ">":
		return less()
	default: // "<=", ">="
		return less() || equal()
	}
}

func (l literal) of(*run, any) (any, bool) { return l.v, true }

func (s singular) of(r *run, at any) (v any, ok bool) {
	return single(r.find(s.query, at, 1))
}

// single returns the one value that was found, if it is one.
func single(found []any) (v any, ok bool) {
	if len(found) != 1 {
		return nil, false
	}
	return found[0], true
}

func (l lengthOf) of(r *run, at any) (any, bool) {
	v, _ := l.arg.of(r, at) // Nothing is nil here, and nil has no length either
	switch v := v.(type) {
	case string:
		r.spend(len(v) / bytesPerStep)
		return float64(utf8.RuneCountInString(v)), true
	case []any:
		return float64(len(v)), true
	case map[string]any:
		return float64(len(v)), true
	}
	return nil, false
}

func (c countOf) of(r *run, at any) (any, bool) {
	return float64(len(r.find(c.query, at, all))), true
}

func (v valueOf) of(r *run, at any) (any, bool) {
	return single(r.find(v.query, at, 2)) // a second one is enough to know that there is no single one
}

// dynamicPattern keeps the last pattern that came from the document: mostly there is but one.
type dynamicPattern struct {
	text  string
	whole bool
	re    *regexp.Regexp
	tried bool
}

func (m matching) holds(r *run, at any) bool {
	v, _ := m.text.of(r, at)
	text, ok := v.(string)
	if !ok {
		return false
	}
	re := m.compiled
	if re == nil {
		v, _ := m.pattern.of(r, at)
		pattern, ok := v.(string)
		if !ok {
			return false
		}
		if re = r.compiled(pattern, m.whole); re == nil {
			return false // the RFC's answer to a pattern that is none
		}
	}
	// RE2 looks at every byte once for each state that it may be in, which takes up to three steps' time.
	if !r.spend(3*len(text) + len(text)*len(re.String())/64) {
		return false
	}
	return re.MatchString(text)
}

// maxPattern bounds a pattern that comes from the document; longer ones count as too much work.
const maxPattern = 1000

// compileSteps prices compiling: a few bytes ("\pL{999}") can cost a thousand states each.
const compileSteps = 1000

func (r *run) compiled(pattern string, whole bool) *regexp.Regexp {
	p := &r.pattern
	if p.tried && p.text == pattern && p.whole == whole {
		return p.re
	}
	*p = dynamicPattern{text: pattern, whole: whole, tried: true}
	if len(pattern) > maxPattern {
		r.spend(maxSteps + 1)
		return nil
	}
	if r.spend(compileSteps * len(pattern)) {
		if re, err := compile(pattern, whole); err == nil {
			p.re = re
		}
	}
	return p.re
}
