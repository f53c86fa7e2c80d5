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
	kind, numbers, _ := strings.Cut(text, ":")
	routing := map[string]Routing{"all-at-once": AllAtOnce, "canary": Canary, "linear": Linear}[kind]
	switch {
	case routing == AllAtOnce && numbers == "":
		return Configs()[0], nil
	case routing != Canary && routing != Linear:
		return Config{}, fmt.Errorf("no deployment configuration is called that; give all-at-once, canary:10,5m, "+
			"linear:10,1m or the name of one of AWS's: %s", strings.Join(names, ", "))
	}
	first, second, _ := strings.Cut(numbers, ",")
	percent, err := strconv.Atoi(strings.TrimSuffix(first, "%"))
	if err != nil || percent < 1 || percent >= wholePart {
		return Config{}, errors.New("the percentage is a whole number from 1 to 99")
	}
	interval, err := time.ParseDuration(second)
	if err != nil || interval < time.Minute || interval > maxInterval || interval%time.Minute != 0 {
		return Config{}, errors.New("the interval is in whole minutes, from 1m to 48h, as CodeDeploy takes it " +
			"(--speed divides it)")
	}
	for _, c := range Configs() {
		if c.Routing == routing && c.Percent == percent && c.Interval == interval {
			return c, nil
		}
	}
	name := fmt.Sprintf("rehearsal-%s-%d-percent-%d-minutes", kind, percent, interval/time.Minute)
	return Config{Name: name, Routing: routing, Percent: percent, Interval: interval}, nil
}

// Step is a share of production traffic for the replacement, and how long it stays.
type Step struct {
	Percent int
	Stays   time.Duration
}

// Steps returns the shares in order; the last one is 100 per cent.
func (c Config) Steps() []Step {
	switch c.Routing {
	case Canary:
		return []Step{{c.Percent, c.Interval}, {wholePart, 0}}
	case Linear:
		var steps []Step
		for p := c.Percent; p < wholePart; p += c.Percent {
			steps = append(steps, Step{p, c.Interval})
		}
		return append(steps, Step{wholePart, 0})
	case AllAtOnce:
	}
	return []Step{{wholePart, 0}}
}

// Shift gives the replacement its share of production traffic; with all of it, it becomes PRIMARY.
func (d *Deployment) Shift(percent int) {
	for i := range d.TaskSets {
		t := &d.TaskSets[i]
		t.Weight, t.Status = float64(wholePart-percent), "ACTIVE"
		if t.Label == Green {
			t.Weight = float64(percent)
		}
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
		share := map[TaskSetLabel]int{Blue: wholePart - percent, Green: percent}
		d.TaskSets[i].TestWeight = float64(share[d.TaskSets[i].Label])
	}
}
