package deployment

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// Routing is how a deployment configuration moves production traffic, in AWS's words.
type Routing string

// The ways of routing that CodeDeploy knows for Amazon ECS.
const (
	AllAtOnce Routing = "AllAtOnce"
	Canary    Routing = "TimeBasedCanary"
	Linear    Routing = "TimeBasedLinear"
)

// Config is a deployment configuration: Percent moves first and the rest after Interval (canary), or
// Percent at a time, Interval apart (linear).
type Config struct {
	Name     string
	Routing  Routing
	Percent  int
	Interval time.Duration
}

const (
	// maxInterval is what CodeDeploy allows before the shift must be over: 48 hours.
	maxInterval = 48 * time.Hour
	wholePart   = 100
)

// Configs lists the configurations that every AWS account has for Amazon ECS.
func Configs() []Config {
	return []Config{
		{Name: "CodeDeployDefault.ECSAllAtOnce", Routing: AllAtOnce},
		{"CodeDeployDefault.ECSCanary10Percent5Minutes", Canary, 10, 5 * time.Minute},
		{"CodeDeployDefault.ECSCanary10Percent15Minutes", Canary, 10, 15 * time.Minute},
		{"CodeDeployDefault.ECSLinear10PercentEvery1Minutes", Linear, 10, time.Minute},
		{"CodeDeployDefault.ECSLinear10PercentEvery3Minutes", Linear, 10, 3 * time.Minute},
	}
}

// ParseConfig reads a configuration: the name of one of AWS's, all-at-once, canary:PERCENT,INTERVAL or
// linear:PERCENT,INTERVAL. CodeDeploy counts intervals in whole minutes.
func ParseConfig(text string) (Config, error) {
	var names []string
	for _, c := range Configs() {
		names = append(names, c.Name)
		if text == c.Name || text == strings.TrimPrefix(c.Name, "CodeDeployDefault.") {
			return c, nil
		}
	}
	c, err := limits{
		whole: "all-at-once", shortest: time.Minute, longest: maxInterval,
		forms: "no deployment configuration is called that; give all-at-once, canary:10,5m, linear:10,1m or the name of one " +
			"of AWS's: " + strings.Join(names, ", "),
		percents: "1 to 99", intervals: "the interval is in whole minutes, from 1m to 48h, as CodeDeploy takes it",
	}.parse(text)
	if err != nil {
		return c, err
	}
	kind, _, _ := strings.Cut(text, ":")
	name := fmt.Sprintf("rehearsal-%s-%d-percent-%d-minutes", kind, c.Percent, c.Interval/time.Minute)
	for _, known := range Configs() {
		if c.Routing == known.Routing && c.Percent == known.Percent && c.Interval == known.Interval {
			name = known.Name
		}
	}
	c.Name = name
	return c, nil
}

// ParseStrategy reads how one of Amazon ECS's own deployments moves production traffic: blue-green,
// canary:PERCENT,TIME or linear:PERCENT,TIME.
func ParseStrategy(text string) (Config, error) {
	return limits{
		whole: "blue-green", linear: 3, longest: 24 * time.Hour,
		forms:     "want blue-green, canary:PERCENT,TIME or linear:PERCENT,TIME, like canary:10,5m or linear:25,2m",
		percents:  "1 (linear: 3) to 99",
		intervals: "the bake time of a step is in whole minutes, from 0m to 24h, as Amazon ECS takes it",
	}.parse(text)
}

// limits are what one controller takes.
type limits struct {
	// whole is the word for moving all at once.
	whole string
	// linear is the smallest step of a linear shift.
	linear            int
	shortest, longest time.Duration
	// forms, percents and intervals say what is taken.
	forms, percents, intervals string
}

func (l limits) parse(text string) (c Config, err error) {
	kind, numbers, _ := strings.Cut(text, ":")
	first, second, _ := strings.Cut(numbers, ",")
	c.Routing = map[string]Routing{l.whole: AllAtOnce, "canary": Canary, "linear": Linear}[kind]
	if c.Routing == AllAtOnce && numbers == "" {
		return c, nil
	}
	if c.Routing != Canary && c.Routing != Linear {
		return c, errors.New(l.forms)
	}
	c.Percent, err = strconv.Atoi(strings.TrimSuffix(first, "%"))
	if err != nil || c.Percent < 1 || c.Percent >= wholePart || c.Routing == Linear && c.Percent < l.linear {
		return c, errors.New("the percentage is a whole number from " + l.percents)
	}
	c.Interval, err = time.ParseDuration(second)
	if err != nil || c.Interval < l.shortest || c.Interval > l.longest || c.Interval%time.Minute != 0 {
		return c, errors.New(l.intervals + " (--speed divides it)")
	}
	return c, nil
}

// Step is a share of production traffic for the replacement, and how long it stays.
type Step struct {
	Percent int
	Stays   time.Duration
}

// Steps returns the shares in order; the last one is 100 per cent.
func (c Config) Steps() []Step {
	var steps []Step
	switch c.Routing {
	case Canary:
		steps = []Step{{c.Percent, c.Interval}}
	case Linear:
		for p := c.Percent; p < wholePart; p += c.Percent {
			steps = append(steps, Step{p, c.Interval})
		}
	case AllAtOnce:
	}
	return append(steps, Step{Percent: wholePart})
}

// Shift gives the replacement its share of production traffic; with all of it, it becomes PRIMARY.
func (d *Deployment) Shift(percent int) {
	for i := range d.TaskSets {
		t := &d.TaskSets[i]
		t.Weight, t.Status = t.Label.share(percent), "ACTIVE"
		if (t.Label == Green) == (percent == wholePart) {
			t.Status = "PRIMARY"
		}
	}
}

// Skip marks an event as skipped, as CodeDeploy does with what has nothing to do.
func (d *Deployment) Skip(name lifecycle.Name) {
	if e := d.Event(name); e != nil && e.Status == EventPending {
		e.Status = EventSkipped
	}
}

// SetRunning notes how many tasks of a side run.
func (d *Deployment) SetRunning(label TaskSetLabel, running int) {
	if t := d.Side(label); t != nil {
		t.Running = running
	}
}

// ShiftTest gives the replacement its share of test traffic.
func (d *Deployment) ShiftTest(percent int) {
	for i := range d.TaskSets {
		d.TaskSets[i].TestWeight = d.TaskSets[i].Label.share(percent)
	}
}

// share is a side's part where the replacement has so many percent.
func (l TaskSetLabel) share(percent int) float64 {
	if l == Green {
		return float64(percent)
	}
	return float64(wholePart - percent)
}
