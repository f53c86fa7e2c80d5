package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/command"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// The exit codes, beside those that all commands share. Pipelines branch on them: a number never changes its meaning.
const (
	exitFail         = 1
	exitInconclusive = 3
	exitConfig       = 4
	exitGate         = 5
)

func spec() command.Spec {
	return command.Spec{
		Name:      "smoke",
		Arguments: "[flags] SUITE",
		About: `Runs a smoke suite (YAML) against a release: waits until the release answers, makes every attempt of
every check, and with --baseline compares it with the old release. It never retries what it judges.`,
		Example: `smoke --target http://localhost:8080 --release 1.1.0 smoke.yaml
smoke --target https://green.example --baseline https://blue.example --report junit=smoke.xml smoke.yaml
smoke --validate smoke.yaml`,
		Exit: `0  pass
1  fail (an unreachable target, too)
2  wrong flags
3  inconclusive, whatever the suite's policy says
4  the suite, a variable, a secret or a certificate is wrong, or the time was up
5  smoke's own fault
130  interrupted`,
	}
}

// options is the command line.
type options struct {
	suite            string
	target, baseline string
	release          string
	values, headers  map[string]string
	tags             []string
	concurrency      int
	reports          []reportFile
	validate, schema bool
	quiet, verbose   bool
}

type reportFile struct {
	write report.Writer
	file  string
}

func parse(args []string, env func(string) (string, bool), stdout io.Writer) (options, error) {
	var o options
	var vars, headers, reports []string
	f := spec().Flags()
	f.String(&o.target, "target", "", "the release to judge: `URL`, http://host:port")
	f.String(&o.baseline, "baseline", "", "the `URL` of the release that serves production, to compare with")
	f.List(&headers, "target-header", "a header for the target only, where one address serves both: `NAME=VALUE`; repeatable")
	f.List(&vars, "var", "a variable of the suite: `NAME=VALUE`; repeatable")
	f.String(&o.release, "release", "", "the expected release's `ID`, ${RELEASE} (default: $RELEASE)")
	f.Var("tags", "only checks with one of these `TAGS` (A,B); !TAG leaves some out", func(text string) error {
		o.tags = append(o.tags, strings.Split(text, ",")...)
		return nil
	})
	f.Int(&o.concurrency, "concurrency", 0, "`N` checks side by side (default: the suite's policy, else 8)")
	f.List(&reports, "report", "write a report: junit=`FILE`, json=FILE, html=FILE or md=FILE; repeatable")
	f.Switch(&o.validate, "validate", "check the suite, and send nothing")
	f.Switch(&o.schema, "schema", "print the JSON Schema of a suite, for editors")
	f.Switch(&o.quiet, "quiet", "print what failed and the verdict only")
	f.Short("q", "quiet")
	f.Switch(&o.verbose, "verbose", "print each check as it ends, and each finding")
	f.Short("v", "verbose")
	if err := spec().Parse(f, args, stdout); err != nil {
		return o, err
	}
	if o.schema {
		return o, nil
	}
	if !f.Given("release") {
		o.release, _ = env("RELEASE")
	}
	var err error
	if o.values, err = pairs("var", vars); err != nil {
		return o, err
	}
	if o.headers, err = pairs("target-header", headers); err != nil {
		return o, err
	}
	return o, o.complete(f, reports)
}

// complete checks what the flags themselves cannot.
func (o *options) complete(f *command.Flags, reports []string) error {
	if len(f.Args()) != 1 {
		return command.Usagef("want one SUITE, have %d", len(f.Args()))
	}
	o.suite = f.Args()[0]
	if f.Given("concurrency") && (o.concurrency < 1 || o.concurrency > 1000) {
		return command.Usagef("--concurrency must be between 1 and 1000")
	}
	if slices.Contains(o.tags, "!") || slices.Contains(o.tags, "") {
		return command.Usagef("--tags wants TAG,!TAG")
	}
	for _, r := range reports {
		if err := o.addReport(r); err != nil {
			return err
		}
	}
	if o.quiet && o.verbose {
		return command.Usagef("-q and -v exclude each other")
	}
	if o.validate {
		return nil
	}
	if o.target == "" {
		return command.Usagef("--target is missing: where is the release to judge?")
	}
	if _, err := smoke.BaseURL(o.target); err != nil {
		return command.Usagef("--target: %v", err)
	}
	if o.baseline != "" {
		if _, err := smoke.BaseURL(o.baseline); err != nil {
			return command.Usagef("--baseline: %v", err)
		}
	}
	return nil
}

// pairs reads the values of a flag that may be given many times; the last of a name counts.
func pairs(flag string, values []string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range values {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, command.Usagef("--%s wants NAME=VALUE", flag)
		}
		out[name] = value
	}
	return out, nil
}

func (o *options) addReport(flag string) error {
	format, file, ok := strings.Cut(flag, "=")
	if !ok || file == "" {
		return command.Usagef("--report wants FORMAT=FILE, such as junit=smoke.xml")
	}
	if file == "-" {
		return command.Usagef("--report: %s goes to a file; stdout holds the result for people", format)
	}
	for _, r := range o.reports {
		if filepath.Clean(r.file) == filepath.Clean(file) {
			return command.Usagef("--report: %s is given twice, and one report would replace the other", file)
		}
	}
	formats := []string{"junit", "json", "html", "md"}
	for _, known := range formats {
		if w, ok := report.ByName(format); ok && format == known {
			o.reports = append(o.reports, reportFile{w, file})
			return nil
		}
	}
	help := "known are " + strings.Join(formats, ", ")
	if near, ok := diagnostic.Nearest(format, formats); ok {
		help = "did you mean " + near + "?"
	}
	return command.Usagef("--report: %q is no format; %s", format, help)
}
