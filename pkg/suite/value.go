package suite

import (
	"cmp"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// object is a JSON object of the suite, in its order.
type object []member

type member struct {
	key   text
	value any
}

// value turns YAML into JSON as encoding/json decodes it, but for texts and objects. What JSON cannot say is a problem.
func (r *reader) value(n *yaml.Node, what string, depth int) any {
	if n = r.resolve(n, depth); n == nil {
		return nil
	}
	at := posOf(n)
	switch {
	case n.Kind == yaml.MappingNode:
		return object(list(r.collect(n, depth), func(p pair) member {
			key, _ := r.text(p.key, p.at)
			return member{key, r.value(p.value, what, depth+1)}
		}))
	case n.Kind == yaml.SequenceNode:
		return list(n.Content, func(c *yaml.Node) any { return r.value(c, what, depth+1) })
	case n.ShortTag() == "!!null":
		return nil
	case n.ShortTag() == "!!bool":
		return strings.EqualFold(n.Value, "true")
	case n.ShortTag() == "!!int", n.ShortTag() == "!!float":
		number, ok := jsonNumber(n.Value)
		if leadingZero.MatchString(n.Value) {
			r.fail(at, "quote it if it is a text: "+strconv.Quote(n.Value), "%s begins with a zero, and would be sent as %s",
				n.Value, number)
		} else if !ok {
			r.fail(at, "quote it if it is a text", "%s is not a number that JSON can write, in %s", quote(n.Value), what)
		}
		return json.Number(number)
	case n.ShortTag() == "!!binary":
		r.warn(at, "JSON has no bytes: write the text that they are encoded as", "the base64 text itself is used here")
	}
	t, _ := r.text(n.Value, at)
	return t
}

// leadingZero finds a number that YAML may take for an octal one, and people for a postal code.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

// jsonNumber returns a YAML number as JSON writes it: 0x1F and 1_000 as decimals, others as they stand.
func jsonNumber(s string) (string, bool) {
	plain := strings.TrimPrefix(strings.ReplaceAll(s, "_", ""), "+")
	if json.Valid([]byte(plain)) {
		return plain, true
	}
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return strconv.FormatInt(i, 10), true
	}
	if f, err := strconv.ParseFloat(plain, 64); err == nil && f-f == 0 {
		return strconv.FormatFloat(f, 'g', -1, 64), true
	}
	return "0", false
}

// compareNumbers compares JSON numbers: exactly where both are whole, else as 64-bit floats, as most programs do.
func compareNumbers(a, b json.Number) int {
	if len(a) < 400 && len(b) < 400 {
		x, okx := new(big.Int).SetString(string(a), 10)
		y, oky := new(big.Int).SetString(string(b), 10)
		if okx && oky {
			return x.Cmp(y)
		}
	}
	x, _ := a.Float64()
	y, _ := b.Float64()
	return cmp.Compare(x, y)
}

// textsIn are the texts in a value of the suite.
func textsIn(v any) (out []text) {
	switch v := v.(type) {
	case text:
		return []text{v}
	case []any:
		return slices.Concat(list(v, textsIn)...)
	case object:
		for _, m := range v {
			out = append(append(out, m.key), textsIn(m.value)...)
		}
	}
	return out
}

// json writes the value as JSON, with its variables expanded.
func (f *filler) json(v any) string {
	switch v := v.(type) {
	case text:
		if node, ok := v.typed(f.Scope); ok {
			return plainJSON(node)
		}
		return plainJSON(f.text(v))
	case []any:
		return "[" + strings.Join(list(v, f.json), ",") + "]"
	case object:
		return "{" + strings.Join(list(v, func(m member) string {
			return plainJSON(f.text(m.key)) + ":" + f.json(m.value)
		}), ",") + "}"
	}
	return plainJSON(v)
}

// plainJSON writes a decoded value, which can always be encoded, without escapes for HTML.
func plainJSON(v any) string {
	var w strings.Builder
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return strings.TrimSuffix(w.String(), "\n")
}

// matches reports whether a value of an answer is the one that the suite has; numbers never equal strings. In part,
// objects of the answer may have more members.
func matches(want, got any, s Scope, part bool) bool {
	if t, ok := want.(text); ok {
		if want, ok = t.typed(s); !ok || t.plain {
			said, err := t.expand(s, nil)
			if want = said; err != nil {
				return false
			}
		}
	}
	switch got := got.(type) {
	case json.Number:
		n, ok := want.(json.Number)
		return ok && compareNumbers(n, got) == 0
	case []any:
		items, ok := want.([]any)
		return ok && slices.EqualFunc(items, got, func(want, got any) bool { return matches(want, got, s, false) })
	case map[string]any:
		members, ok := want.(object)
		if !ok || !part && len(got) != len(members) {
			return false
		}
		for _, m := range members {
			key, err := m.key.expand(s, nil)
			if g, ok := got[key]; err != nil || !ok || !matches(m.value, g, s, part) {
				return false
			}
		}
		return true
	}
	return want == got
}

// duration returns a positive duration of at most high, or 0.
func (r *reader) duration(n *yaml.Node, what string, high time.Duration) time.Duration {
	d, err := time.ParseDuration(n.Value)
	switch {
	case err != nil && n.ShortTag() == "!!int":
		unit := "s"
		if i, err := strconv.Atoi(n.Value); err == nil && (i >= 50 || what == "latency" || what[0] == 'p') {
			unit = "ms"
		}
		r.fail(posOf(n), "write "+n.Value+unit, "%s needs a unit", what)
	case err != nil:
		r.fail(posOf(n), "write 500ms, 5s or 2m", "%s must be a duration, not %s", what, describe(n))
	case d <= 0 || d > high:
		r.fail(posOf(n), "", "%s must be more than 0 and at most %s, not %s", what, high, quote(n.Value))
	default:
		return d
	}
	return 0
}

// ratio returns a number from 1 to 100.
func (r *reader) ratio(n *yaml.Node) float64 {
	f, err := strconv.ParseFloat(n.Value, 64)
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" || err != nil || !(f >= 1 && f <= 100) {
		r.fail(posOf(n), "write 1.25", "min_ratio must be a number from 1 to 100, not %s", describe(n))
	}
	return f
}

// size returns a number of bytes between 1 and 1 GiB, or 0.
func (r *reader) size(n *yaml.Node, what string) int64 {
	const help = "write 64KiB or 1MiB"
	digits := strings.TrimRight(n.Value, "BKMGTikmgtb ")
	of := map[string]int64{"": 1, "B": 1, "KB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30}
	unit, known := of[strings.TrimSpace(n.Value[len(digits):])]
	count, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || !known:
		r.fail(posOf(n), help, "%s must be a size, not %s", what, describe(n))
	case count < 1 || count > (1<<30)/unit:
		r.fail(posOf(n), help, "%s must be between 1 byte and 1GiB, not %s", what, describe(n))
	default:
		return count * unit
	}
	return 0
}

// rate returns requests a second.
func (r *reader) rate(n *yaml.Node, what string) float64 {
	count, unit, _ := strings.Cut(n.Value, "/")
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	f, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
	if err != nil || per == 0 || !(f > 0) || f > 1e6 {
		r.fail(posOf(n), "write 20/s or 600/m", "%s must be a rate, not %s", what, describe(n))
	}
	return f / per
}
