package rollout

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// Verdict is a gate's verdict line, as functions/README.md lists its fields.
type Verdict struct {
	Deployment string `json:"deployment_id"`
	Event      string `json:"lifecycle_event"`
	Verdict    string `json:"verdict"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	Timestamp  string `json:"timestamp"`
	Link       string `json:"link"`
	Report     string `json:"report"`
}

// maxPages bounds how much of a log group is looked through: a deployment has a few verdicts.
const maxPages = 20

// Verdicts reads what the gate said of a deployment, out of its hooks' logs, the newest last. A log group that is not
// there says nothing: the function never ran, or is not ours.
func (a AWS) Verdicts(ctx context.Context, s State) ([]Verdict, error) {
	var all []Verdict
	functions := slices.Clone(s.Functions)
	slices.Sort(functions)
	for _, f := range slices.Compact(functions) {
		in := &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/lambda/" + f), StartTime: aws.Int64(s.Began.UnixMilli()),
			FilterPattern: aws.String(`{ $.event = "verdict" && $.deployment_id = "` + s.ID + `" }`),
		}
		for range maxPages {
			out, err := a.Logs.FilterLogEvents(ctx, in)
			if awsclient.IsCode(err, "ResourceNotFoundException") {
				break
			}
			if err != nil {
				return all, awsclient.Error(err)
			}
			for _, e := range out.Events {
				var v Verdict
				if json.Unmarshal([]byte(aws.ToString(e.Message)), &v) == nil && v.Deployment == s.ID {
					all = append(all, v)
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	// The timestamps have one form, in UTC.
	slices.SortStableFunc(all, func(a, b Verdict) int {
		if a.Timestamp < b.Timestamp {
			return -1
		}
		return 1
	})
	return all, nil
}
