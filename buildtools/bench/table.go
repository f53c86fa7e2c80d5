package main

import "fmt"

// The things that other things are held against.
const (
	ours      = "render-taskdef"
	shell     = "envsubst | jq"
	ecspresso = "ecspresso"
	node      = "the usual hook in Node.js"
	python    = "the usual hook in Python"
	loop      = "a loop over net/http"
	beside    = "the rehearsal beside its hooks"
	started   = "idle after the start"
	idle      = "idle after an invocation"
	worst     = "the most, with the worst bodies side by side"
	status    = "from the last answer to the stored status, of 20"
)

// table is all that is measured, and all that is promised.
func (b *bench) table() []measurement {
	functions := b.functions()
	first, second, prober := functions[0], functions[1], functions[2]
	several := fmt.Sprintf("smoke, %d checks", checks)
	return []measurement{
		{"a template of 5 KB", "ms", 40, b.renderers("5", 2, 15), []limit{{ours, shell, b.jq()}, {ours, ecspresso, 0.35}}},
		{"a template of 60 KB", "ms", 40, b.renderers("60", 9, 52), []limit{{ours, shell, b.jq()}, {ours, ecspresso, 0.35}}},
		{ // a megabyte takes as long among ten as among two, give or take the half
			"templates that grow", "ms", 5,
			[]thing{b.huge(2), b.huge(10)},
			[]limit{{"10 MB", "", 1000}, {"10 MB", "2 MB", 1.5 * 10 / 2}},
		},
		{
			"a renderer's peak memory", "MiB", 1,
			[]thing{
				b.peak("5 KB", ours, "-o", "-", b.path("template-5.json")),
				b.peak("60 KB", ours, "-o", "-", b.path("template-60.json")),
			},
			[]limit{{"5 KB", "", 12}, {"60 KB", "", 12}},
		},

		{
			"cold start, exec to the first request for an invocation", "ms", 20,
			[]thing{b.coldStart(first), b.coldStart(second), b.coldStart(prober), b.nodeHook(), b.pythonHook()},
			[]limit{
				{first, "", 20},
				{second, "", 20},
				{prober, "", 20},
				{first, node, 0.15},
				{second, node, 0.15},
				{first, python, 0.06},
				{second, python, 0.06},
			},
		},
		{
			"functions, unzipped for arm64", "MB", 1,
			[]thing{b.size(first), b.size(second), b.size(prober)},
			[]limit{{first, "", 25}, {second, "", 25}, {prober, "", 25}},
		},
		{
			"resident memory of a hook", "MiB", 1,
			[]thing{b.memory(started, 0, "VmRSS:"), b.memory(idle, 1, "VmRSS:"), b.memory(worst, 3, "VmHWM:")},
			[]limit{{started, "", 32}, {idle, "", 32}, {worst, "", 96}},
		},
		{"the status", "ms", 1, []thing{b.hook(status, b.untilStored)}, []limit{{status, "", 100}}},

		{
			fmt.Sprintf("%d independent checks, 8 at once", checks), "ms", 15,
			append([]thing{b.loop("/health", checks, 8), b.smoke(several, checks, "/health", 8)}, b.peers()...),
			[]limit{{several, loop, 2}, {several, "goss", 0.6}, {several, "hurl", 0.6}, {several, "runn", 0.6}},
		},
		{
			"50 checks of 100 ms, 16 at once", "ms", 7,
			[]thing{b.loop("/slow", 50, 16), b.smoke("smoke", 50, "/slow", 16)},
			[]limit{{"smoke", loop, 1.03}},
		},
		{
			"smoke's peak memory", "MiB", 1,
			[]thing{b.peak(several, "smoke", "--target", b.url, b.suite("peak", checks, "/health", 8))},
			[]limit{{several, "", 16}},
		},

		{"a good rehearsal, two tasks a side", "s", 3, []thing{{beside, b.rehearsal}}, []limit{{beside, "", 2}}},
	}
}
