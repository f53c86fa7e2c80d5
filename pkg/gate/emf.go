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

// directive says what of a line are metrics, in the specification's words.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

// lines returns the document as log lines, each one JSON object without a line end: one line, or more
// when a metric has more than maxValues values.
func (d document) lines() (all [][]byte, err error) {
	if n := utf8.RuneCountInString(d.Namespace); n == 0 || n > maxNamespace {
		return nil, fmt.Errorf("write metrics: namespace of %d characters, want 1 to %d", n, maxNamespace)
	}
	for from := 0; ; from += maxValues {
		out := map[string]any{}
		maps.Copy(out, d.Members)
		for _, dim := range d.Dimensions {
			out[dim.Name] = dimensionValue(dim.Value)
		}
		var listed []metric
		for _, m := range d.Metrics {
			if from >= len(m.Values) {
				continue
			}
			listed = append(listed, m)
			if now := m.Values[from:min(from+maxValues, len(m.Values))]; len(now) == 1 {
				out[m.Name] = now[0]
			} else {
				out[m.Name] = now
			}
		}
		if len(listed) == 0 {
			return all, nil
		}
		out["_aws"] = map[string]any{"Timestamp": d.Time.UnixMilli(), "CloudWatchMetrics": []directive{
			{d.Namespace, d.Sets, listed},
		}}
		line, err := json.Marshal(out) // fails on NaN and infinity
		if err != nil {
			return nil, err
		}
		all = append(all, line)
	}
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
