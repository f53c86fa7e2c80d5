package gate

import (
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// Decision is what an invocation comes to: the verdict on the release, and the status that follows.
type Decision struct {
	Verdict smoke.Verdict
	Blame   smoke.Blame
	// Reason is one line; its first words tell what failed, what was expected and what came.
	Reason string
	// Overruled is why a verdict that shuts the gate does not: observe mode, a rollback deployment, an
	// authorised skip, the suite's policy. Empty when the verdict stands.
	Overruled string

	// InconclusiveAllowed is the suite's policy for INCONCLUSIVE.
	InconclusiveAllowed bool

	Release     string
	Suite       string
	SuiteSHA256 string
	// Unproven says that nothing showed which release answered.
	Unproven bool
	// Link is where the report will be, or empty.
	Link string
	// report is what the run found, or nil when there was none or it did not end.
	report *smoke.Report
}

// undecided is what an invocation starts from: only a run that came to its end changes it.
func undecided() Decision {
	return Decision{
		Verdict: smoke.Error, Blame: smoke.BlameGate,
		Reason: "the gate did not come to a verdict",
	}
}

// Status is what CodeDeploy is told. Whatever is not PASS, or overruled by name, is Failed: also a
// verdict that is none.
func (d Decision) Status() lifecycle.Status {
	if d.Verdict == smoke.Pass || d.Overruled != "" {
		return lifecycle.Succeeded
	}
	return lifecycle.Failed
}

func misconfigured(reason string) Decision {
	return Decision{Verdict: smoke.Error, Blame: smoke.BlameConfig, Reason: reason}
}
