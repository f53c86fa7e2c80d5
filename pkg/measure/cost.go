package measure

import "time"

// MiB is the unit of memory in the tables.
const MiB = 1 << 20

// Cost is what one process took.
type Cost struct {
	// Wall is the time from its start to its end; CPU that in user and system mode, its children's included.
	Wall, CPU time.Duration
	// Peak is the most memory that it had resident, in bytes.
	Peak int64
}

// Costs are those of one program, round by round.
type Costs []Cost

// Median returns the median of each figure; they need not be of the same round.
func (c Costs) Median() Cost {
	peaks := make([]int64, len(c))
	for i := range c {
		peaks[i] = c[i].Peak
	}
	return Cost{Wall: Median(c.walls()), CPU: Median(c.cpus()), Peak: Median(peaks)}
}

// Over returns the ratio of the wall times, see Ratio.
func (c Costs) Over(other Costs) float64 { return Ratio(c.walls(), other.walls()) }

func (c Costs) walls() []time.Duration {
	out := make([]time.Duration, len(c))
	for i := range c {
		out[i] = c[i].Wall
	}
	return out
}

func (c Costs) cpus() []time.Duration {
	out := make([]time.Duration, len(c))
	for i := range c {
		out[i] = c[i].CPU
	}
	return out
}
