package aws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Logs is the prefix of CloudWatch Logs' operations in X-Amz-Target.
const Logs = "Logs_20140328"

const (
	// maxLines bounds the lines of a log group: the oldest go.
	maxLines = 50_000
	// maxPage is how many events one answer has.
	maxPage = 10_000
)

type logLine struct {
	at           time.Time
	stream, text string
}

type logGroup struct {
	streams map[string]bool
	lines   []logLine
	dropped int
}

// Log adds lines to a log group's stream, and makes both where they are new.
func (s *Server) Log(group, stream string, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logs == nil {
		s.logs = map[string]*logGroup{}
	}
	if s.logs[group] == nil {
		s.logs[group] = &logGroup{streams: map[string]bool{}}
	}
	g := s.logs[group]
	g.streams[stream] = true
	for _, text := range lines {
		g.lines = append(g.lines, logLine{time.Now(), stream, text})
	}
	if over := len(g.lines) - maxLines; over > 0 {
		g.lines, g.dropped = g.lines[over:], g.dropped+over
	}
}

func (s *Server) filterLogEvents(in struct {
	LogGroupName, LogGroupIdentifier   string
	LogStreamNamePrefix, FilterPattern string
	LogStreamNames                     []string
	StartTime                          int64
	EndTime                            *int64
	Limit                              int
	NextToken                          string
},
) (any, error) {
	matches, err := pattern(in.FilterPattern)
	if err != nil {
		return nil, fault("InvalidParameterException", "%s", err)
	}
	_, byARN, _ := strings.Cut(in.LogGroupIdentifier, ":log-group:")
	s.mu.Lock()
	defer s.mu.Unlock()
	group := s.logs[cmp.Or(in.LogGroupName, strings.TrimSuffix(byARN, ":*"), in.LogGroupIdentifier)]
	if group == nil {
		return nil, fault("ResourceNotFoundException", "The specified log group does not exist.")
	}
	for _, stream := range in.LogStreamNames {
		if !group.streams[stream] {
			return nil, fault("ResourceNotFoundException", "The specified log stream does not exist.")
		}
	}
	// A token is the number of the next line since the group began.
	next, _ := strconv.Atoi(in.NextToken)
	page, found := min(maxPage, cmp.Or(in.Limit, maxPage)), []object{}
	for i := max(0, next-group.dropped); i < len(group.lines); i++ {
		l := group.lines[i]
		at := l.at.UnixMilli()
		if at < in.StartTime || in.EndTime != nil && at > *in.EndTime || !strings.HasPrefix(l.stream, in.LogStreamNamePrefix) ||
			len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, l.stream) || !matches(l.text) {
			continue
		}
		if len(found) == page {
			return object{"events": found, "nextToken": strconv.Itoa(group.dropped + i)}, nil
		}
		found = append(found, object{
			"timestamp": at, "ingestionTime": at, "message": l.text, "logStreamName": l.stream,
			"eventId": fmt.Sprintf("%056d", group.dropped+i),
		})
	}
	return object{"events": found}, nil
}

// pattern reads a filter pattern: terms, or a condition on JSON. What else AWS has, regular expressions and columns, is
// refused.
func pattern(text string) (func(line string) bool, error) {
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "{") {
		return terms(text)
	}
	inner, ended := strings.CutSuffix(text[1:], "}")
	c := &condition{tokens: regexp.MustCompile(`"(?:\\.|[^"\\])*"|&&|\|\||[()]|[<>!]?=|[<>]|[^\s()&|<>!="]+|\S`).FindAllString(inner, -1)}
	holds := c.any()
	if c.wrong || !ended || len(c.tokens) > 0 {
		return nil, fmt.Errorf("Invalid filter pattern: %.100q", text) //nolint:staticcheck // AWS's words
	}
	return func(line string) bool {
		var v any
		return json.Unmarshal([]byte(line), &v) == nil && holds(v)
	}, nil
}

// terms reads words and "quoted phrases", each with - for one that must not be there, or ? for one of several. AWS
// ignores those with ? beside others.
func terms(text string) (func(line string) bool, error) {
	var all, none, some []string
	for _, m := range regexp.MustCompile(`([-?]?)("(?:\\.|[^"\\])*"|\S+)`).FindAllStringSubmatch(text, -1) {
		term := m[2]
		if quoted, err := strconv.Unquote(term); err == nil && term[0] == '"' {
			term = quoted
		} else if !regexp.MustCompile(`^\w+$`).MatchString(term) {
			return nil, fmt.Errorf("Invalid character(s) in term '%.100s'", term) //nolint:staticcheck // AWS's words
		}
		list := map[string]*[]string{"": &all, "-": &none, "?": &some}[m[1]]
		*list = append(*list, term)
	}
	return func(line string) bool {
		has := func(term string) bool { return strings.Contains(line, term) }
		if len(all)+len(none) == 0 && len(some) > 0 {
			return slices.ContainsFunc(some, has)
		}
		return !slices.ContainsFunc(all, func(t string) bool { return !has(t) }) && !slices.ContainsFunc(none, has)
	}, nil
}

// condition reads conditions like ($.a = "x" || $.b.c >= 3) && $.d IS NULL, without the last one.
type condition struct {
	tokens []string
	wrong  bool
}

type holds func(v any) bool

func (c *condition) take() (token string) {
	if len(c.tokens) == 0 {
		c.wrong = true
		return ""
	}
	token, c.tokens = c.tokens[0], c.tokens[1:]
	return token
}

func (c *condition) next(token string) bool {
	is := len(c.tokens) > 0 && c.tokens[0] == token
	if is {
		c.take()
	}
	return is
}

func (c *condition) any() holds {
	left := c.every()
	for c.next("||") {
		a, b := left, c.every()
		left = func(v any) bool { return a(v) || b(v) }
	}
	return left
}

func (c *condition) every() holds {
	left := c.one()
	for c.next("&&") {
		a, b := left, c.one()
		left = func(v any) bool { return a(v) && b(v) }
	}
	return left
}

func (c *condition) one() holds {
	if c.next("(") {
		inner := c.any()
		c.wrong = c.wrong || !c.next(")")
		return inner
	}
	field, operator, want := c.take(), c.take(), c.take()
	names, ok := strings.CutPrefix(field, "$.")
	number, err := strconv.ParseFloat(want, 64)
	equality := operator == "=" || operator == "!="
	c.wrong = c.wrong || !ok || !equality && (err != nil || !slices.Contains([]string{"<", ">", "<=", ">="}, operator))
	if quoted, err := strconv.Unquote(want); err == nil {
		want = quoted
	}
	return func(v any) bool {
		for name := range strings.SplitSeq(names, ".") {
			object, _ := v.(map[string]any)
			if v, ok = object[name]; !ok {
				return false
			}
		}
		have, isNumber := v.(float64)
		if equality {
			same, _ := path.Match(want, fmt.Sprint(v)) // a pattern that is none matches nothing
			same = same || isNumber && err == nil && have == number
			return same == (operator == "=")
		}
		sign := cmp.Compare(have, number)
		return isNumber && (sign < 0 && operator[0] == '<' || sign > 0 && operator[0] == '>' || sign == 0 && len(operator) == 2)
	}
}
