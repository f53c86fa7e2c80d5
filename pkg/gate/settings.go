package gate

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/rs/zerolog"
	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
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
	// ReportBucket is where reports go. Empty: nowhere.
	ReportBucket     string `env:"REPORT_BUCKET"`
	MetricsNamespace string `env:"METRICS_NAMESPACE, default=Greenlight"`
	LogLevel         string `env:"LOG_LEVEL, default=info"`

	// FunctionName and TaskRoot are set by Lambda.
	FunctionName string `env:"AWS_LAMBDA_FUNCTION_NAME"`
	TaskRoot     string `env:"LAMBDA_TASK_ROOT"`

	// SuiteEnvironment is what a suite's {env: …} variables read, and nothing else is.
	SuiteEnvironment Variables `env:"SUITE_ENVIRONMENT"`
	// TestHeaders are sent to the new release only: what leads to it. Empty: what the test listener's rule asks for.
	TestHeaders Variables `env:"TEST_HEADERS"`
	// EvidenceParameter names the SSM parameter in which the first gate keeps its verdict for the second. Empty:
	// none is kept, and the second gate runs the whole suite.
	EvidenceParameter string `env:"EVIDENCE_PARAMETER"`

	AWS signed.Environment
}

// given takes a variable that is set to nothing for one that is not set: a stack's template cannot leave
// one out, and an empty REPORT_RESERVE must not become none.
type given struct{ envconfig.Lookuper }

// Lookup returns the variable when it has a value.
func (g given) Lookup(name string) (string, bool) {
	value, ok := g.Lookuper.Lookup(name)
	return value, ok && value != ""
}

// ReadSettings reads the settings. On an error the settings are still of use: a gate that is set wrong
// must be able to report Failed, or the deployment hangs for an hour.
func ReadSettings(ctx context.Context, env envconfig.Lookuper) (Settings, error) {
	env = given{env}
	var s Settings
	err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s, Lookuper: env})
	if err != nil {
		// One bad value stops envconfig before the variables behind it; without them nothing can be
		// reported. Their readers cannot fail: all are strings.
		_ = envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s.AWS, Lookuper: env})
		s.MetricsNamespace = orDefault(s.MetricsNamespace, "Greenlight")
		return s, fmt.Errorf("read settings: %w", err)
	}
	return s, s.check()
}

func (s Settings) check() error {
	if s.Mode != Enforce && s.Mode != Observe {
		return fmt.Errorf("read settings: MODE is %q, want enforce or observe", s.Mode)
	}
	if s.ReportReserve < 0 {
		return fmt.Errorf("read settings: REPORT_RESERVE is %s, want a time like 30s", s.ReportReserve)
	}
	if _, err := zerolog.ParseLevel(s.LogLevel); err != nil {
		return fmt.Errorf("read settings: LOG_LEVEL is %q, want debug, info, warn or error", s.LogLevel)
	}
	for name, value := range map[string]string{"TEST_URL": s.TestURL, "PRODUCTION_URL": s.ProductionURL} {
		if err := checkURL(value); value != "" && err != nil {
			return fmt.Errorf("read settings: %s: %w", name, err)
		}
	}
	return nil
}

// checkURL wants a base URL: scheme and host, and nothing that a check's path would be joined to.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("%.100q is not a URL", text)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("%.100q is not a base URL like http://host:8080", text)
	case u.User != nil, u.RawQuery != "", u.Fragment != "", u.Path != "" && u.Path != "/":
		return fmt.Errorf("%.100q holds more than scheme, host and port", u.Redacted())
	}
	return nil
}

func orDefault(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}

// leastCredential is the length under which a credential is not one of AWS's, but a stand-in's: its few letters
// would be hidden everywhere.
const leastCredential = 16

// credentials are the function's own secrets, which no output may show.
func (s Settings) credentials() []string {
	var out []string
	for _, c := range []string{s.AWS.SecretAccessKey, s.AWS.SessionToken} {
		if len(c) >= leastCredential {
			out = append(out, c)
		}
	}
	return out
}
