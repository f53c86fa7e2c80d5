package jsonpath

import "regexp"

func (o or) holds(r *run, at any) bool {
	for _, cond := range o {
		if cond.holds(r, at) {
			return true
		}
	}
	return false
}

func (a and) holds(r *run, at any) bool {
	for _, cond := range a {
		if !cond.holds(r, at) {
			return false
		}
	}
	return true
}

func (n not) holds(r *run, at any) bool    { return !n.cond.holds(r, at) }
func (e exists) holds(r *run, at any) bool { return r.any(e.query, at) }

func (c comparison) holds(r *run, at any) bool {
	left, haveLeft := c.left.of(r, at)
	right, haveRight := c.right.of(r, at)
	equal := func() bool {
		return haveLeft == haveRight && (!haveLeft || r.equal(left, right))
	}
	both := haveLeft && haveRight
	switch c.op {
	case "==":
		return equal()
	case "!=":
		return !equal()
	case "<":
		return both && r.less(left, right)
	case "<=":
		return both && r.less(left, right) || equal()
	case ">":
		return both && r.less(right, left)
	default: // ">="
		return both && r.less(right, left) || equal()
	}
}

func (l literal) of(*run, any) (any, bool) { return l.v, true }

func (s singular) of(r *run, at any) (v any, ok bool) {
	if !s.query.relative {
		at = r.root
	}
	r.each(s.query.segments, at, func(found any) bool {
		v, ok = found, true
		return false
	})
	return v, ok
}

func (l lengthOf) of(r *run, at any) (any, bool) {
	v, _ := l.arg.of(r, at) // Nothing is nil here, and nil has no length either
	switch v := v.(type) {
	case string:
		return float64(r.runes(v)), true
	case []any:
		return float64(len(v)), true
	case map[string]any:
		return float64(len(v)), true
	}
	return nil, false
}

func (c countOf) of(r *run, at any) (any, bool) { //nolint:unparam // the interface wants it; a count is never Nothing
	if !c.query.relative {
		return float64(len(r.all(c.query, at))), true
	}
	n := 0
	r.each(c.query.segments, at, func(any) bool {
		n++
		return r.spend(1)
	})
	return float64(n), true
}

func (v valueOf) of(r *run, at any) (any, bool) {
	if !v.query.relative {
		found := r.all(v.query, at)
		if len(found) != 1 {
			return nil, false
		}
		return found[0], true
	}
	var one any
	n := 0
	r.each(v.query.segments, at, func(found any) bool {
		one = found
		n++
		return n < 2 // a second one is enough to know that there is no single one
	})
	return one, n == 1
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
