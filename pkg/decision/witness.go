package decision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/approval"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// Proof is the witness that what was asked leads to this release and to no other, where no check proves it.
type Proof struct {
	by, missing string
}

// ByListener is the proof of a listener, or of a rule, that was asked: all that it forwards goes to the target
// group of the new release, which runs the image with this digest where that is known.
func ByListener(arn string, way discovery.Way, targetGroup, digest string) Proof {
	if arn == "" || !way.LeadsOnlyTo(targetGroup) {
		return Unproven("the test listener does not lead only to the new release")
	}
	if digest != "" {
		digest = ", image " + digest
	}
	return Proof{by: "listener " + arn + digest}
}

// Unproven says why there is no proof.
func Unproven(why string) Proof { return Proof{missing: why} }

// Baseline is the witness of what serves production and is not this release.
type Baseline struct {
	url, why string
}

// BaselineAt is the baseline behind a URL. There is none where production already serves the new release, whose share
// is in per cent, be it a little, or where nobody knows whether it does: it would be compared with itself.
func BaselineAt(url string, green discovery.Fact[float64]) Baseline {
	switch percent, known := green.Get(); {
	case !known:
		return Baseline{why: "it is not known whether production already serves the new release"}
	case percent != 0:
		return Baseline{why: fmt.Sprintf("production already serves the new release (%g %%)", percent)}
	case url == "":
		return Baseline{why: "no production listener is known"}
	}
	return Baseline{url: url}
}

// NoBaseline says why there is none.
func NoBaseline(why string) Baseline { return Baseline{why: why} }

// URL is the baseline's base URL, or empty where there is none; Why then says why.
func (b Baseline) URL() string { return b.url }

// Why is why there is no baseline, or empty.
func (b Baseline) Why() string { return b.why }

// Ahead is the witness that somebody looked, before anything is started, whether the deployment can be judged. Its zero
// value says that nobody did.
type Ahead struct {
	looked bool
	flaws  []string
}

// LookedAhead is what was found to be in the way of a verdict, or that nothing is.
func LookedAhead(flaws []string) Ahead { return Ahead{true, flaws} }

func (a Ahead) found() (finding.Verdict, finding.Blame, string) {
	switch {
	case !a.looked:
		return finding.Error, finding.BlameGate, "nobody looked whether this deployment can be judged"
	case len(a.flaws) > 0:
		return finding.Error, finding.BlameConfig, "this deployment cannot be judged: " + strings.Join(a.flaws, "; ")
	}
	return finding.Pass, finding.BlameNone, "nothing is in the way of a verdict; nothing was judged yet"
}

// Skip is the witness of somebody's authorisation to let this deployment pass.
type Skip struct {
	by, why string
	until   time.Time
}

// Authorised is a skip by somebody, for a reason, that was found to be for this deployment and still valid.
func Authorised(by, why string, until time.Time) Skip { return Skip{by, why, until} }

// Answer is the witness of what somebody said who was asked. Its zero value says that nobody did.
type Answer struct {
	approved bool
	text     string
}

// AnswerIn reads the answer to a question out of the tags of the new release's task definition.
func AnswerIn(tags map[string]string, question string) Answer {
	decided, text := approval.Answered(tags, question)
	return Answer{decided == approval.Approved, text}
}

// Unanswered says why there is no answer, and will be none.
func Unanswered(why string) Answer { return Answer{text: why} }

// Witness is one thing that a decision rests on, in words.
type Witness struct{ Name, Saw string }

// Witnesses lists what the decision rests on: under which mode, which address was asked, what proves the release,
// who ran the checks, and which baseline there was.
func (s Seen) Witnesses() []Witness {
	mode := "enforce"
	if s.Observing {
		mode = "observe"
	}
	if s.Rollback {
		mode += ", rollback"
	}
	return []Witness{
		{"mode", mode},
		{"target", s.Target},
		{"proof", s.proofText()},
		{"judged_by", s.judgedBy()},
		{"baseline", orNone(s.Baseline.url, s.Baseline.why)},
	}
}

func (s Seen) proofText() string {
	switch {
	case s.Run.report == nil:
		return orNone("", "nothing was run")
	case s.provenByCheck():
		return "a check expects ${RELEASE}"
	case s.Proof.by == "" && s.Evidence.verdict != nil:
		return "the first gate's"
	}
	return orNone(s.Proof.by, s.Proof.missing)
}

func (s Seen) judgedBy() string {
	switch {
	case s.Run.report == nil:
		return orNone("", "nothing was run")
	case slices.Contains(s.Run.job.Phases, finding.PhaseJudge):
		return "this invocation"
	case s.Evidence.verdict != nil:
		return "the first gate, " + s.Evidence.verdict.At.Format(time.RFC3339)
	}
	return orNone("", s.Evidence.missing)
}

func orNone(saw, why string) string {
	if saw != "" {
		return saw
	}
	return strings.TrimSuffix("none: "+why, ": ")
}
