package infra_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// minute is what CloudWatch counted in a minute: answers with 2xx and with 5xx, by target group. No number is no data.
type minute map[string]float64

// value evaluates a metric math expression of IF, FILL, > and +, from the left, as CloudWatch does.
func (m minute) value(expression string) (float64, error) {
	e := evaluator{text: strings.ReplaceAll(expression, " ", ""), minute: m}
	v := e.comparison()
	if e.err == nil && e.text != "" {
		e.err = fmt.Errorf("%q is left", e.text)
	}
	return v, e.err
}

type evaluator struct {
	text   string
	minute minute
	err    error
}

func (e *evaluator) takes(token string) bool {
	rest, ok := strings.CutPrefix(e.text, token)
	if ok {
		e.text = rest
	}
	return ok
}

func (e *evaluator) comparison() float64 {
	v := e.sum()
	if e.takes(">") {
		if v > e.sum() {
			return 1
		}
		return 0
	}
	return v
}

func (e *evaluator) sum() float64 {
	v := e.operand()
	for e.takes("+") {
		v += e.operand()
	}
	return v
}

func (e *evaluator) operand() float64 {
	switch {
	case e.err != nil:
		return 0
	case e.takes("IF("):
		args := e.arguments(3)
		if args[0] != 0 {
			return args[1]
		}
		return args[2]
	case e.takes("FILL("):
		id, rest, _ := strings.Cut(e.text, ",")
		v, there := e.minute[id]
		e.text = rest
		if standard := e.arguments(1)[0]; !there {
			return standard
		}
		return v
	}
	n := strings.IndexAny(e.text+",", ",)>+")
	v, err := strconv.ParseFloat(e.text[:n], 64)
	if err != nil {
		e.err = fmt.Errorf("%q is not a number, and has no value where there is no data", e.text[:n])
	}
	e.text = e.text[n:]
	return v
}

func (e *evaluator) arguments(n int) []float64 {
	args := make([]float64, n)
	for i := range args {
		args[i] = e.comparison()
		if separator := map[bool]string{true: ")", false: ","}[i == n-1]; e.err == nil && !e.takes(separator) {
			e.err = fmt.Errorf("%q, want %s", e.text, separator)
		}
	}
	return args
}

// The alarm that rolls back counts what production answered, whichever group serves it, and not what the gate's probes got
// from a release that is still starting.
func TestServerErrorsAreProductions(t *testing.T) {
	t.Parallel()
	alarm := load(t)["bluegreen.yml"].resource("ServerErrors")
	expression := ""
	for _, m := range list(alarm.properties["Metrics"]) {
		if text := str(at(m, "Expression")); text != "" {
			expression = text
		}
	}
	for name, tc := range map[string]struct {
		seen minute
		want float64
	}{
		"the gate asks a release that starts":             {minute{"good1": 400, "bad2": 60}, 0},
		"the same, the groups have changed places":        {minute{"good2": 400, "bad1": 60}, 0},
		"the gate asks one that works":                    {minute{"good1": 400, "good2": 60}, 0},
		"production fails now and then":                   {minute{"good1": 400, "bad1": 25, "good2": 20}, 25},
		"the new release serves, and fails":               {minute{"good2": 300, "bad2": 40}, 40},
		"the new release serves, and nothing else":        {minute{"bad2": 200}, 200},
		"an outage while the gate asks":                   {minute{"bad1": 100, "bad2": 60}, 160},
		"a quiet night, and the gate asks one that works": {minute{"good2": 60}, 0},
		"nobody asks": {minute{}, 0},
	} {
		if got, err := tc.seen.value(expression); err != nil || got != tc.want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tc.want)
		}
	}
}
