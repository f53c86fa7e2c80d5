package aws

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// CloudWatch is the name of CloudWatch's service in the path of a call by smithy's RPC v2.
const CloudWatch = "GraniteServiceVersion20100801"

// Metric is one of CloudWatch's, in the words of its API.
type Metric struct {
	Namespace, Name string
	Dimensions      map[string]string
}

// Alarm is one of CloudWatch's; State is OK, ALARM or INSUFFICIENT_DATA, and Since when it came into it.
type Alarm struct {
	Name, State, Reason string
	Since               time.Time
}

// stamp is a CBOR timestamp, a number with tag 1, as encoding/json writes it. No text can look like one: its quotes would
// be escaped.
var stamp = regexp.MustCompile(`\{"ID":1,"Value":([^{}]*)\}`)

// packed is an answer as CBOR.
func packed(answer any) cbor.Value {
	v := reflect.ValueOf(answer)
	switch v.Kind() { //nolint:exhaustive // no answer holds another one
	case reflect.Map:
		m := cbor.Map{}
		for name, member := range v.Seq2() {
			m[name.String()] = packed(member.Interface())
		}
		return m
	case reflect.Slice:
		l := cbor.List{}
		for _, member := range v.Seq2() {
			l = append(l, packed(member.Interface()))
		}
		return l
	case reflect.Float64:
		if _, isTime := answer.(seconds); isTime {
			return &cbor.Tag{ID: 1, Value: cbor.Float64(v.Float())}
		}
		return cbor.Float64(v.Float())
	}
	return cbor.String(v.String())
}

// unpack reads a call by smithy's RPC v2: the path says what is called.
func (c *Call) unpack(path string) error {
	part := strings.Split(path, "/")
	if len(part) != 5 {
		return fault("UnknownOperationException", "no operation: %.100q", path)
	}
	c.Service, c.Operation = part[2], part[4]
	if len(c.Input) == 0 {
		return nil
	}
	v, err := cbor.Decode(c.Input)
	if err == nil {
		c.Input, err = json.Marshal(v)
		c.Input = stamp.ReplaceAll(c.Input, []byte("$1"))
	}
	if err != nil {
		return fault("SerializationException", "%v", err)
	}
	return nil
}

type metricInput struct {
	StartTime, EndTime float64
	ScanBy             string
	MetricDataQueries  []struct {
		ID         string
		MetricStat struct {
			Metric struct {
				Namespace, MetricName string
				Dimensions            []struct{ Name, Value string }
			}
			Period int64
			Stat   string
		}
	}
}

// getMetricData answers all on one page. A period is any number of whole seconds: a rehearsal's minute may be shorter
// than AWS's.
func (s *Server) getMetricData(in metricInput) (any, error) {
	results := []object{}
	if in.StartTime >= in.EndTime || len(in.MetricDataQueries) == 0 {
		return nil, fault("ValidationError", "a start before the end and at least one query are needed")
	}
	for _, q := range in.MetricDataQueries {
		m := Metric{q.MetricStat.Metric.Namespace, q.MetricStat.Metric.MetricName, map[string]string{}}
		for _, d := range q.MetricStat.Metric.Dimensions {
			m.Dimensions[d.Name] = d.Value
		}
		known := regexp.MustCompile(`^(Sum|Average|Minimum|Maximum|SampleCount|p\d\d?(\.\d+)?)$`).MatchString(q.MetricStat.Stat)
		if !regexp.MustCompile(`^[a-z]\w*$`).MatchString(q.ID) || q.MetricStat.Period < 1 || m.Name == "" || !known {
			return nil, fault("ValidationError", "%.80q: the rehearsal answers a MetricStat with a metric, a period and one of "+
				"the usual statistics, and no expression", q.ID)
		}
		at, values := []any{}, []float64{}
		period := time.Duration(q.MetricStat.Period) * time.Second
		end := time.UnixMilli(int64(math.Round(in.EndTime * 1000)))
		first := int64(in.StartTime) / q.MetricStat.Period * q.MetricStat.Period
		for t := time.Unix(first, 0); s.Metrics != nil && t.Before(end); t = t.Add(period) {
			if samples := s.Metrics(m, t, t.Add(period)); len(samples) > 0 {
				at, values = append(at, moment(t)), append(values, statistic(samples, q.MetricStat.Stat))
			}
		}
		if in.ScanBy != "TimestampAscending" {
			slices.Reverse(at)
			slices.Reverse(values)
		}
		results = append(results, object{
			"Id": q.ID, "Label": m.Name, "StatusCode": "Complete", "Timestamps": at, "Values": values,
		})
	}
	return object{"MetricDataResults": results, "Messages": []object{}}, nil
}

// statistic is one of CloudWatch's of at least one sample.
func statistic(samples []float64, stat string) float64 {
	sum, count := 0.0, float64(len(samples))
	for _, v := range samples {
		sum += v
	}
	switch stat {
	case "Sum":
		return sum
	case "Average":
		return sum / count
	case "SampleCount":
		return count
	}
	stat = cmp.Or(map[string]string{"Minimum": "p0", "Maximum": "p100"}[stat], stat)
	percent, _ := strconv.ParseFloat(stat[1:], 64) // the pattern says so
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[max(0, int(math.Ceil(percent/100*count))-1)]
}

func (s *Server) describeAlarms(in struct{ AlarmNames []string }) (any, error) {
	found := []object{}
	for _, a := range given(s.Alarms) {
		if len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.Name) {
			found = append(found, object{
				"AlarmName": a.Name, "AlarmArn": "arn:aws:cloudwatch:" + s.Region + ":" + s.Account + ":alarm:" + a.Name,
				"StateValue": a.State, "StateReason": a.Reason, "StateUpdatedTimestamp": moment(a.Since),
				"StateTransitionedTimestamp": moment(a.Since),
			})
		}
	}
	return object{"MetricAlarms": found, "CompositeAlarms": []object{}}, nil
}
