package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rs/zerolog"
	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Mode says whether a verdict blocks.
type Mode string

// The modes.
const (
	// Enforce lets the verdict decide.
	Enforce Mode = "enforce"
	// Observe records the verdict and always lets the deployment go on.
	Observe Mode = "observe"
)

// Settings is a hook's environment, read once when the function starts.
type Settings struct {
	// Suite is where the suite is: a file in the function's package, s3://bucket/key[#sha256=…] or
	// ssm:/name. Empty: what the replacement task definition's label greenlight.suite says.
	Suite string `env:"SUITE"`
	// TestURL and ProductionURL are the listeners' base URLs. Empty: found from the deployment.
	TestURL       string `env:"TEST_URL"`
	ProductionURL string `env:"PRODUCTION_URL"`
	// Release is the expected version. Empty: the label greenlight.release, else the image's tag.
	Release string `env:"RELEASE"`
	Mode    Mode   `env:"MODE, default=enforce"`
	// ReportReserve is kept back from the function's time for storing the status.
	ReportReserve time.Duration `env:"REPORT_RESERVE, default=30s"`
	// ProberFunction is the function that probes from inside the VPC. Empty: this one probes.
	ProberFunction string `env:"PROBER_FUNCTION"`
	// SkipParameter names the SSM parameter that may authorise a skip.
	SkipParameter string `env:"SKIP_PARAMETER"`
	// EvidenceParameter names the SSM parameter where the first gate keeps its verdict for the second.
	EvidenceParameter string `env:"EVIDENCE_PARAMETER"`
	// ReportBucket is where reports go. Empty: nowhere.
	ReportBucket     string `env:"REPORT_BUCKET"`
	MetricsNamespace string `env:"METRICS_NAMESPACE, default=Greenlight"`
	LogLevel         string `env:"LOG_LEVEL, default=info"`
	// WatchMinute is how long a minute of a watch is. CloudWatch has no shorter ones; a rehearsal has.
	WatchMinute time.Duration `env:"WATCH_MINUTE, default=60s"`

	// FunctionName and TaskRoot are set by Lambda.
	FunctionName string `env:"AWS_LAMBDA_FUNCTION_NAME"`
	TaskRoot     string `env:"LAMBDA_TASK_ROOT"`

	// SuiteEnvironment holds all that a suite's {env: …} variables can read.
	SuiteEnvironment Variables `env:"SUITE_ENVIRONMENT"`
	// TestHeaders are the headers that lead to the new release, and are sent to it only. Empty: those that the test
	// listener's rule asks for.
	TestHeaders Variables `env:"TEST_HEADERS"`

	AWS awsclient.Environment
}

// fitting is an environment in which a variable that is empty, or cannot be read, counts as not set. A CloudFormation
// template cannot leave a variable out, and an empty REPORT_RESERVE must mean the default, not zero.
type fitting struct {
	envconfig.Lookuper
	// wrong says what is wrong with the variables that were asked for.
	wrong []string
}

// Lookup returns the variable when it has a value that can be read.
func (f *fitting) Lookup(name string) (string, bool) {
	value, _ := f.Lookuper.Lookup(name)
	if value == "" {
		return "", false
	}
	if why := misfit(name, value); why != "" {
		f.wrong = append(f.wrong, name+" "+why)
		return "", false
	}
	return value, true
}

// misfit says what is wrong with a variable's value, or "".
func misfit(name, value string) string {
	switch name {
	case "MODE":
		if m := Mode(value); m != Enforce && m != Observe {
			return fmt.Sprintf("is %.40q, want enforce or observe", value)
		}
	case "REPORT_RESERVE":
		if d, err := time.ParseDuration(value); err != nil || d < 0 {
			return fmt.Sprintf("is %.40q, want a time like 30s", value)
		}
	case "WATCH_MINUTE":
		if d, err := time.ParseDuration(value); err != nil || d < time.Second || d > time.Minute || d%time.Second != 0 {
			return fmt.Sprintf("is %.40q, want whole seconds, from 1s to 60s", value)
		}
	case "LOG_LEVEL":
		if _, err := zerolog.ParseLevel(value); err != nil {
			return fmt.Sprintf("is %.40q, want debug, info, warn or error", value)
		}
	case "TEST_URL", "PRODUCTION_URL":
		return misfitURL(value)
	case "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS":
		if v := strings.ToLower(value); v != "true" && v != "false" {
			return fmt.Sprintf("is %.40q, want true or false", value)
		}
	case "SUITE_ENVIRONMENT":
		if _, err := members(value); err != nil {
			return err.Error() + `, want a JSON object of strings like {"API_USER": "smoke"}`
		}
	case "TEST_HEADERS":
		if err := checkHeaders(value); err != nil {
			return err.Error() + `, want a JSON object of headers like {"X-Test": "green"}`
		}
	}
	return ""
}

// misfitURL accepts only a base URL: scheme and host, without a path or query. Its message does not quote the value,
// which may hold a password.
func misfitURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "is not a base URL like http://host:8080"
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", u.Path != "" && u.Path != "/":
		return "holds more than scheme, host and port, want a base URL like http://host:8080"
	}
	return ""
}

// ReadSettings reads the settings. The error names every variable that cannot be read. Such a variable counts as not
// set, and all others are still read: a gate with wrong settings must be able to report Failed, or the deployment hangs
// for an hour.
func ReadSettings(ctx context.Context, env envconfig.Lookuper) (Settings, error) {
	s := Settings{AWS: awsclient.Environment{Lookup: env.Lookup}}
	f := fitting{Lookuper: env}
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s, Lookuper: &f}); err != nil {
		f.wrong = append(f.wrong, err.Error())
	}
	if len(f.wrong) > 0 {
		return s, errors.New("read settings: " + strings.Join(f.wrong, "; "))
	}
	return s, nil
}

// Variables holds the suite's variables, or headers, in one setting: a JSON object of strings. A CloudFormation
// template cannot have a parameter for each, since only the suite knows their names.
type Variables map[string]string

// EnvDecode reads the JSON object. Its error never shows a value.
func (v *Variables) EnvDecode(_ context.Context, text string) (err error) {
	if text != "" {
		*v, err = members(text)
	}
	return err
}

// members reads a JSON object whose values are strings and whose keys are unique: readers differ in which of two equal
// keys they take. The error shows keys and never a value.
func members(text string) (map[string]string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if start, _ := dec.Token(); !json.Valid([]byte(text)) || start != json.Delim('{') {
		return nil, errors.New("is not a JSON object")
	}
	found := map[string]string{}
	for dec.More() {
		key, _ := dec.Token()
		value, _ := dec.Token()
		name, _ := key.(string)
		content, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("has the key %.40q, whose value is not a string", name)
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("has the key %.40q twice", name)
		}
		found[name] = content
	}
	return found, nil
}

// checkHeaders reads headers, and refuses what would not be sent as it is given.
func checkHeaders(text string) error {
	const letters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	headers, err := members(text)
	sent := map[string]bool{
		"Connection": true, "Content-Length": true, "Host": true, "Trailer": true, "Transfer-Encoding": true,
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case name == "" || strings.Trim(name, letters) != "":
			return fmt.Errorf("has the key %.40q, which is not a header's name", name)
		case sent[canonical]:
			return fmt.Errorf("has the header %.40q, which a request has already", name)
		case strings.ContainsFunc(headers[name], unicode.IsControl):
			return fmt.Errorf("has a control character in the value of %.40q", name)
		}
		sent[canonical] = true
	}
	return err
}

// values looks up a suite's variables. An {env: …} reads the setting and never the function's own environment, which
// holds its credentials.
func (g *Gate) values(ctx context.Context, s *suite.Suite) (map[string]suite.Value, error) {
	env := envconfig.MapLookuper(g.Settings.SuiteEnvironment).Lookup
	return secret.Sources{Env: env, AWS: &g.AWS, Suite: s}.Resolve(ctx, s.References())
}
