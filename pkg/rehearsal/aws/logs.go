package aws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/jsonpath"
)

// Logs is the prefix of CloudWatch Logs' operations in X-Amz-Target.
const Logs = "Logs_20140328"

const (
	// maxLines bounds the lines of a log group: the oldest go.
	maxLines = 20_000
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
}

// Log adds lines to a log group's stream, and makes both where they are new.
func (s *Server) Log(group, stream string, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := cmp.Or(s.logs[group], &logGroup{streams: map[string]bool{}})
	put(&s.logs, group, g)
	g.streams[stream] = true
	for _, text := range lines {
		g.lines = append(g.lines, logLine{time.Now(), stream, text})
	}
	g.lines = g.lines[max(0, len(g.lines)-maxLines):]
}

func (s *Server) filterLogEvents(in struct {
	LogGroupName, LogStreamNamePrefix, FilterPattern string
	LogStreamNames                                   []string
	StartTime                                        int64
	EndTime                                          *int64
	Limit                                            int
	NextToken                                        string
},
) (any, error) {
	matches, err := pattern(in.FilterPattern)
	if err != nil {
		return nil, fault("InvalidParameterException", "%s", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	group := s.logs[in.LogGroupName]
	if group == nil {
		return nil, fault("ResourceNotFoundException", "The specified log group does not exist.")
	}
	for _, stream := range in.LogStreamNames {
		if !group.streams[stream] {
			return nil, fault("ResourceNotFoundException", "The specified log stream does not exist.")
		}
	}
	first, _ := strconv.Atoi(in.NextToken) // of a first page there is none
	page, found := min(maxPage, cmp.Or(in.Limit, maxPage)), []object{}
	for i, l := range group.lines {
		at := l.at.UnixMilli()
		if i < first || at < in.StartTime || in.EndTime != nil && at > *in.EndTime || !strings.HasPrefix(l.stream, in.LogStreamNamePrefix) ||
			len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, l.stream) || !matches(l.text) {
			continue
		}
		if len(found) == page {
			return object{"events": found, "nextToken": strconv.Itoa(i)}, nil
		}
		found = append(found, object{
			"timestamp": at, "ingestionTime": at, "message": l.text, "logStreamName": l.stream,
			"eventId": fmt.Sprintf("%056d", i),
		})
	}
	return object{"events": found}, nil
}

// comparison is one of a JSON filter pattern.
var comparison = regexp.MustCompile(
	`\$(\.[\w.]+)\s*(?:(!?=)\s*("(?:\\.|[^"\\*])*")|(!?=|[<>]=?)\s*(-?\d[\d.]*))`)

// pattern reads a filter pattern: terms, or comparisons of a line in JSON with && and ||. What else AWS has (regular
// expressions, columns, *, IS NULL) is refused.
func pattern(text string) (func(line string) bool, error) {
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "{") {
		return terms(text)
	}
	inner, ended := strings.CutSuffix(text[1:], "}")
	filter := comparison.ReplaceAllStringFunc(inner, func(one string) string {
		m := comparison.FindStringSubmatch(one)
		operator := cmp.Or(map[string]string{"=": "=="}[m[2]+m[4]], m[2]+m[4])
		return "(@" + m[1] + " && @" + m[1] + operator + m[3] + m[5] + ")"
	})
	path, err := jsonpath.Parse("$[?" + filter + "]")
	if err != nil || !ended || strings.Trim(comparison.ReplaceAllString(inner, ""), " ()&|") != "" {
		return nil, fmt.Errorf("Invalid filter pattern: %.100q", text) //nolint:staticcheck // AWS's words
	}
	return func(line string) bool {
		var v any
		if json.Unmarshal([]byte(line), &v) != nil {
			return false
		}
		found, err := path.Select([]any{v})
		return err == nil && len(found) > 0
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
