package suite

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// duration returns a positive duration of at most high, or 0.
func (r *reader) duration(n *yaml.Node, what string, high time.Duration) time.Duration {
	d, err := time.ParseDuration(n.Value)
	switch {
	case err != nil && n.ShortTag() == "!!int":
		unit := "s"
		if i, err := strconv.Atoi(n.Value); err == nil && (i >= 50 || what == "latency" || what[0] == 'p') {
			unit = "ms"
		}
		r.fail(posOf(n), "write "+n.Value+unit, "%s needs a unit", what)
	case err != nil:
		r.fail(posOf(n), "write 500ms, 5s or 2m", "%s must be a duration, not %s", what, describe(n))
	case d <= 0 || d > high:
		r.fail(posOf(n), "", "%s must be more than 0 and at most %s, not %s", what, high, quote(n.Value))
	default:
		return d
	}
	return 0
}

// ratio returns a number from 1 to 100, or 1.
func (r *reader) ratio(n *yaml.Node) float64 {
	f, err := strconv.ParseFloat(n.Value, 64)
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" || err != nil || !(f >= 1 && f <= 100) {
		r.fail(posOf(n), "write 1.25", "min_ratio must be a number from 1 to 100, not %s", describe(n))
		return 1
	}
	return f
}

// size returns a number of bytes between 1 and 1 GiB, or 0.
func (r *reader) size(n *yaml.Node, what string) int64 {
	const help = "write 64KiB or 1MiB"
	digits := strings.TrimRight(n.Value, "BKMGTikmgtb ")
	of := map[string]int64{"": 1, "B": 1, "KB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30}
	unit, known := of[strings.TrimSpace(n.Value[len(digits):])]
	count, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || !known:
		r.fail(posOf(n), help, "%s must be a size, not %s", what, describe(n))
	case count < 1 || count > (1<<30)/unit:
		r.fail(posOf(n), help, "%s must be between 1 byte and 1GiB, not %s", what, describe(n))
	default:
		return count * unit
	}
	return 0
}

// rate returns requests a second, or 0.
func (r *reader) rate(n *yaml.Node, what string) float64 {
	const help = "write 20/s or 600/m"
	count, unit, _ := strings.Cut(n.Value, "/")
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	f, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
	if err != nil || per == 0 || !(f > 0) || f > 1e6 {
		r.fail(posOf(n), help, "%s must be a rate, not %s", what, describe(n))
		return 0
	}
	return f / per
}
