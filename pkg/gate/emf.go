package gate

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"
)

// Metrics are written as log lines in CloudWatch's embedded metric format, so that a function has metrics without a
// call to CloudWatch and without a permission for it. What CloudWatch would drop silently is refused: a metric,
// dimension or namespace out of the specification's bounds
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
const (
	// maxValues is how many values one metric may carry in one line; lines splits longer series.
	maxValues = 100
	// maxDimensionValue is in characters.
	maxDimensionValue = 1024
	maxNamespace      = 1024
)

// unknown stands for a dimension whose value is not known: CloudWatch drops a line whose dimension is
// missing or empty.
const unknown = "unknown"

// unit is a unit that CloudWatch knows.
type unit string

// The units that Greenlight uses.
const (
	count        unit = "Count"
	milliseconds unit = "Milliseconds"
)

// metric is one metric with one or several values, in its unit.
type metric struct {
	Name   string    `json:"Name"`
	Unit   unit      `json:"Unit"`
	Values []float64 `json:"-"`
}

// dimension is a name with its value.
type dimension struct{ Name, Value string }

// document is the metrics of one moment.
type document struct {
	Namespace string
	Time      time.Time
	// Dimensions are all that are used; Sets says, by name, in which combinations CloudWatch shall keep
	// the metrics. Every combination of values is a metric that is paid for: no ids here.
	Dimensions []dimension
	Sets       [][]string
	Metrics    []metric
	// Members are further members of the line, searchable in Logs Insights and no metrics.
	Members map[string]any
}

type directive struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []metric   `json:"Metrics"`
}

// lines returns the document as log lines, each one JSON object without a line end: one line, or more
// when a metric has more than maxValues values.
func (d document) lines() ([][]byte, error) {
	if n := utf8.RuneCountInString(d.Namespace); n == 0 || n > maxNamespace {
		return nil, fmt.Errorf("write metrics: namespace of %d characters, want 1 to %d", n, maxNamespace)
	}
	var all [][]byte
	for rest := d.Metrics; len(rest) > 0; {
		line, left, err := d.line(rest)
		if err != nil {
			return nil, err
		}
		all, rest = append(all, line), left
	}
	return all, nil
}

// line writes the first values of each metric and returns what is left of them.
func (d document) line(metrics []metric) (line []byte, left []metric, err error) {
	out := make(map[string]any, len(d.Members)+len(d.Dimensions)+len(metrics)+1)
	maps.Copy(out, d.Members)
	for _, dim := range d.Dimensions {
		out[dim.Name] = dimensionValue(dim.Value)
	}
	dir := directive{Namespace: d.Namespace, Dimensions: d.Sets, Metrics: make([]metric, 0, len(metrics))}
	for _, m := range metrics {
		now := m.Values[:min(len(m.Values), maxValues)]
		switch len(now) {
		case 0:
			continue
		case 1:
			out[m.Name] = now[0]
		default:
			out[m.Name] = now
		}
		dir.Metrics = append(dir.Metrics, m)
		if more := m.Values[len(now):]; len(more) > 0 {
			left = append(left, metric{m.Name, m.Unit, more})
		}
	}
	out["_aws"] = map[string]any{"Timestamp": d.Time.UnixMilli(), "CloudWatchMetrics": []directive{dir}}
	line, err = json.Marshal(out) // fails on NaN and infinity
	return line, left, err
}

// dimensionValue turns v into a value that CloudWatch accepts: ASCII without control characters, and not blank.
func dimensionValue(v string) string {
	v = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, v)
	if strings.TrimSpace(v) == "" {
		return unknown
	}
	return v[:min(len(v), maxDimensionValue)]
}
