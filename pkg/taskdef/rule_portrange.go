package taskdef

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// maxRanges is how many containerPortRanges one container may have.
const maxRanges = 100

// span is what one port mapping takes of a container's ports.
type span struct {
	first, last int
	protocol    string
	container   *template.Node
}

// rangeOf reads a containerPortRange: "8000-8010".
func rangeOf(n *template.Node) (first, last int, ok bool) {
	low, high, ok := strings.Cut(n.Str(), "-")
	first, err1 := strconv.Atoi(low)
	last, err2 := strconv.Atoi(high)
	return first, last, ok && err1 == nil && err2 == nil && first >= 1 && last <= maxPort && first <= last
}

// protocol is a port mapping's, with ECS's default.
func protocol(mapping *template.Node) string {
	if p := mapping.Get("protocol").Str(); p != "" {
		return p
	}
	return "tcp"
}

func (c *checker) portRange(portRange, host *template.Node) {
	if portRange == nil || portRange.Kind != template.String || portRange.Unknown() {
		return
	}
	_, _, ok := rangeOf(portRange)
	switch {
	case !ok:
		c.fail(portRange, "containerPortRange "+portRange.Show()+" is not a range", `"8000-8010"`)
	case host != nil:
		c.fail(host, "hostPort makes no sense beside containerPortRange", "leave hostPort out")
	case c.mode() != "awsvpc" && c.mode() != "bridge" && c.mode() != "":
		c.fail(portRange, "containerPortRange needs networkMode awsvpc or bridge", "")
	}
}

// portRanges finds ranges that overlap with one another or with a port: in one container, and in awsvpc mode,
// where all share one address, in any two. Two single ports are left to portConflicts.
func portRanges(c *checker) {
	if len(c.containers) > maxContainers {
		return // refused already; a hostile file must not cost the square of its length
	}
	var singles, ranges []span
	for _, container := range c.containers {
		count := 0
		for _, mapping := range container.Get("portMappings").List() {
			s := span{protocol: protocol(mapping), container: container}
			if port, ok := number(mapping.Get("containerPort")); ok {
				s.first, s.last = port, port
				c.overlap(mapping.Get("containerPort"), s, ranges)
				singles = append(singles, s)
				continue
			}
			n := mapping.Get("containerPortRange")
			first, last, ok := rangeOf(n)
			if !ok || n.Unknown() {
				continue
			}
			if count++; count > maxRanges {
				c.fail(n, fmt.Sprintf("container %s has more than %d port ranges", name(container), maxRanges), "")
				break
			}
			s.first, s.last = first, last
			if !c.overlap(n, s, ranges) {
				c.overlap(n, s, singles)
			}
			ranges = append(ranges, s)
		}
	}
}

// overlap reports the first of the earlier spans that s overlaps.
func (c *checker) overlap(at *template.Node, s span, seen []span) bool {
	for _, other := range seen {
		shared := other.container == s.container || c.mode() == "awsvpc"
		if shared && other.protocol == s.protocol && s.first <= other.last && other.first <= s.last {
			c.fail(at, at.Show()+" overlaps with ports that container "+name(other.container)+" maps already", "")
			return true
		}
	}
	return false
}
