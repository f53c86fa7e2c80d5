package taskdef

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// fargateTable is AWS's table "task CPU and memory" as of November 2026: for each cpu the memory (MiB) that goes with it.
func fargateTable() (cpu []int, memory [][]int) {
	steps := func(low, high, step int) (all []int) {
		for m := low; m <= high; m += step {
			all = append(all, m)
		}
		return all
	}
	return []int{256, 512, 1024, 2048, 4096, 8192, 16384}, [][]int{
		{512, 1024, 2048}, // the one row without a step
		steps(1024, 4096, 1024),
		steps(2048, 8192, 1024),
		steps(4096, 16384, 1024),
		steps(8192, 30720, 1024),
		steps(16384, 61440, 4096),
		steps(32768, 122880, 8192),
	}
}

// fargateSize checks the task's cpu and memory when the compatibilities include FARGATE.
func fargateSize(c *checker) {
	if !c.fargate {
		return
	}
	cpu, memory := c.root.Get("cpu"), c.root.Get("memory")
	for _, key := range []string{"cpu", "memory"} {
		if c.root.Get(key) == nil {
			c.fail(c.root, "Fargate needs "+key+" for the whole task", "")
		}
	}
	units, ok := quantity(cpu, "vcpu")
	if !ok {
		return
	}
	known, table := fargateTable()
	row := slices.Index(known, units)
	if row < 0 {
		c.fail(cpu, fmt.Sprintf("cpu %s is not a size that Fargate has", cpu.Show()),
			fmt.Sprintf("nearest: %s; Fargate has %s", nearest(units, known), join(known)))
		return
	}
	os := c.root.Get("runtimePlatform").Get("operatingSystemFamily")
	if strings.HasPrefix(os.Str(), "WINDOWS") && units < 1024 {
		c.fail(cpu, fmt.Sprintf("cpu %s is too little for %s: Windows on Fargate begins with 1 vCPU", cpu.Show(), os.Show()),
			`"1024"`)
	}
	mib, ok := quantity(memory, "gb")
	sizes := table[row]
	if !ok || slices.Contains(sizes, mib) {
		return
	}
	help := fmt.Sprintf("%d to %d in steps of %d", sizes[0], sizes[len(sizes)-1], sizes[1]-sizes[0])
	if row == 0 {
		help = join(sizes)
	}
	c.fail(memory, fmt.Sprintf("memory %s does not go with cpu %s on Fargate", memory.Show(), cpu.Show()),
		fmt.Sprintf("nearest: %s; with this cpu go %s", nearest(mib, sizes), help))
}

// nearest names the next smaller and the next larger size.
func nearest(wish int, sizes []int) string {
	i, _ := slices.BinarySearch(sizes, wish)
	return strings.ReplaceAll(join(sizes[max(i-1, 0):min(i+1, len(sizes))]), ",", " or")
}

func join(numbers []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ", ")
}

// quantity reads a task's cpu ("512", "0.5 vCPU") or memory ("1024", "1 GB"): a number, or one with the unit, which is
// 1024 of the smaller one.
func quantity(n *template.Node, unit string) (int, bool) {
	if n == nil || n.Unknown() {
		return 0, false
	}
	s := strings.ToLower(strings.TrimSpace(n.Text))
	if before, ok := strings.CutSuffix(s, unit); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(before), 64)
		return int(f * 1024), err == nil && f >= 0 && f < 1<<20
	}
	i, err := strconv.Atoi(s)
	return i, err == nil
}

func taskSize(c *checker) {
	cpu, memory := c.root.Get("cpu"), c.root.Get("memory")
	units, ok := quantity(cpu, "vcpu")
	switch {
	case cpu == nil || cpu.Kind != template.String:
	case !ok:
		c.fail(cpu, "cpu "+cpu.Show()+" is not a size", `"1024" or "1 vCPU"`)
	case !c.fargate && (units < 128 || units > maxCPU):
		c.fail(cpu, "cpu "+cpu.Show()+" is outside of what ECS takes: 128 to 196608 units", "1024 units are one vCPU")
	}
	mib, ok := quantity(memory, "gb")
	switch {
	case memory == nil || memory.Kind != template.String:
	case !ok:
		c.fail(memory, "memory "+memory.Show()+" is not a size", `"2048" (MiB) or "2 GB"`)
	case !c.fargate && mib < minMemory:
		c.fail(memory, fmt.Sprintf("memory of the task is %s MiB, the minimum is %d", memory.Show(), minMemory), "")
	}
}

// minMemory is what Docker 20.10 and later need for a container; maxCPU is the largest size of a task.
const (
	minMemory = 6
	maxCPU    = 196608
)

func containerSizes(c *checker) {
	// Limits says that the sum holds hard limits, alone that one container breaks it.
	sumCPU, sumMemory, limits, alone := 0, 0, false, false
	mib, sized := quantity(c.root.Get("memory"), "gb")
	for _, container := range c.containers {
		memory, reservation := container.Get("memory"), container.Get("memoryReservation")
		hard, isHard := number(memory)
		soft, isSoft := number(reservation)
		switch {
		case isHard && hard < minMemory:
			c.fail(memory, fmt.Sprintf("memory of container %s is %s MiB, the minimum is %d",
				name(container), memory.Show(), minMemory), "")
		case isSoft && soft < minMemory:
			c.fail(reservation, fmt.Sprintf("memoryReservation of container %s is %s MiB, the minimum is %d",
				name(container), reservation.Show(), minMemory), "")
		case isHard && isSoft && hard < soft:
			c.fail(memory, fmt.Sprintf("memory of container %s is less than its memoryReservation", name(container)), "")
		case memory == nil && reservation == nil && c.root.Get("memory") == nil:
			c.fail(container, "container "+name(container)+" has no memory, and the task has none either",
				"give the container memory or memoryReservation, or the task memory")
		case isHard && sized && hard > mib:
			c.fail(memory, fmt.Sprintf("memory of container %s is %s MiB, more than the task's %s",
				name(container), memory.Show(), c.root.Get("memory").Show()), "")
			alone = true
		}
		if isSoft {
			sumMemory += soft
		} else {
			sumMemory, limits = sumMemory+hard, limits || isHard
		}
		c.within(container, "cpu", 0, maxCPU)
		cpu, _ := number(container.Get("cpu"))
		sumCPU += cpu
	}
	if units, ok := quantity(c.root.Get("cpu"), "vcpu"); ok && sumCPU > units {
		c.fail(c.root.Get("cpu"), "the containers' cpu add up to more than the task's", "")
	}
	switch memory := c.root.Get("memory"); {
	case !sized || sumMemory <= mib || alone:
	case limits: // ECS was seen to register such sums, though its guide forbids them
		c.warn(memory, "the containers' memory adds up to more than the task's",
			"a container is killed before it has what it may take: give memoryReservation to those that share")
	default:
		c.fail(memory, "the containers' memoryReservation adds up to more than the task's memory", "")
	}
}
