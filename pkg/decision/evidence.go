package decision

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/approval"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// verdict is a decision as it is kept for the next gate.
type verdict struct {
	Deployment  string           `json:"deployment_id"`
	Event       lifecycle.Name   `json:"lifecycle_event"`
	Release     string           `json:"release"`
	SuiteSHA256 string           `json:"suite_sha256"`
	Target      string           `json:"target"`
	Verdict     finding.Verdict  `json:"verdict"`
	Status      lifecycle.Status `json:"status"`
	Observing   bool             `json:"observing"`
	Overruled   Overruled        `json:"overruled"`
	Compared    bool             `json:"compared"`
	At          time.Time        `json:"at"`
}

// Record is the decision as text, for EvidenceIn to read: whatever it is, so that a later verdict on the same
// deployment takes an earlier one back.
func (d Decision) Record(at time.Time) (string, error) {
	text, err := json.Marshal(verdict{
		d.Seen.Deployment, d.Seen.Event, d.Seen.Release, d.Seen.SuiteSHA256, d.Seen.Target, d.Verdict, d.Status(),
		d.Seen.Observing, d.Overruled, d.Seen.compared(), at.UTC().Truncate(time.Second),
	})
	return string(text), err
}

// mostSums bounds how many runs at once can have a checksum kept.
const mostSums = 16

// KeptSum reports whether KeepSum put the checksum behind a record.
func KeptSum(record, sum string) bool { return slices.Contains(strings.Split(record, "\n")[1:], sum) }

// KeepSum puts the checksum of what a run found so far behind a record, in the place of its last one; those of other
// runs, and the record, stay as they are. An empty checksum is none.
func KeepSum(record, last, sum string) string {
	lines := strings.Split(record, "\n")
	sums := slices.DeleteFunc(append(lines[1:], sum), func(s string) bool { return s == last || s == "" })
	return strings.Join(append(lines[:1:1], sums[max(0, len(sums)-mostSums):]...), "\n")
}

// Evidence is the witness that the first gate judged this deployment: a verdict of ours, enforced and not overruled.
type Evidence struct {
	verdict *verdict
	missing string
}

// NoEvidence says why there is none.
func NoEvidence(why string) Evidence { return Evidence{missing: why} }

// EvidenceIn reads a record that AfterAllowTestTraffic's gate left. It is evidence where it is about the same
// deployment, release, suite and address, was enforced, and said PASS.
func EvidenceIn(text string, s Seen) Evidence {
	return evidenceOf(lifecycle.AfterAllowTestTraffic, text, s)
}

// ComparedIn reads a record that BeforeAllowTraffic's gate left in an earlier step of the same deployment. Nothing but
// a PASS for which everything was compared counts.
func ComparedIn(text string, s Seen) Evidence {
	if e := evidenceOf(lifecycle.BeforeAllowTraffic, text, s); e.verdict != nil && e.verdict.Compared {
		return e
	}
	return NoEvidence("no earlier step compared")
}

// compared reports whether every comparison of the suite was made, in this invocation or in an earlier step's.
func (s Seen) compared() bool {
	if r := s.Run.report; r != nil && len(r.Compares) > 0 {
		return len(r.Compares) == len(s.Run.suite.Comparisons())
	}
	return s.Compared.verdict != nil
}

func evidenceOf(event lifecycle.Name, text string, s Seen) Evidence {
	text, _, _ = strings.Cut(text, "\n")
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var v verdict
	err := dec.Decode(&v)
	switch {
	case err != nil || dec.More():
		return NoEvidence("no verdict of the first gate is kept")
	case v.Deployment == "" || v.Deployment != s.Deployment:
		return NoEvidence("the verdict that is kept is about another deployment")
	case v.Event != event:
		return NoEvidence("the verdict that is kept is not the first gate's")
	case v.SuiteSHA256 == "" || v.SuiteSHA256 != s.SuiteSHA256:
		return NoEvidence("the first gate judged by another suite")
	case v.Release != s.Release:
		return NoEvidence(fmt.Sprintf("the first gate judged another release, %.100q", v.Release))
	case v.Target == "" || v.Target != s.Target:
		return NoEvidence(fmt.Sprintf("the first gate asked another address, %.200q", v.Target))
	case v.Observing:
		return NoEvidence("the first gate only observed")
	case v.Overruled != "":
		return NoEvidence("the first gate's verdict was overruled: " + string(v.Overruled))
	case v.Verdict != finding.Pass || v.Status != lifecycle.Succeeded:
		return NoEvidence(fmt.Sprintf("the first gate said %.20s", v.Verdict))
	}
	return Evidence{verdict: &v}
}

// Known reports whether there is evidence.
func (e Evidence) Known() bool { return e.verdict != nil }

// Why is why there is none, or empty.
func (e Evidence) Why() string { return e.missing }

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

// ByTargetGroup is the proof of a watch: AWS measured the target group of the new release, which runs the task definition.
func ByTargetGroup(group, definition string) Proof {
	if group == "" || definition == "" {
		return Unproven("the new release's target group or task definition is not known")
	}
	return Proof{by: "target group " + group + ", task definition " + definition}
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

// Idle is the witness that there is nothing to watch. Its zero value says that there is.
type Idle struct{ why string }

// IdleBecause says why.
func IdleBecause(why string) Idle { return Idle{why} }

// Unserved is that production serves nothing of the new release yet, by its share, in per cent, and by where production's
// listener leads. What the event says of a share may be that of the step that begins; a listener that does not lead to
// the new release's target group serves none of it.
func Unserved(share discovery.Fact[float64], production discovery.Fact[discovery.Way], group string) Idle {
	percent, known := share.Get()
	way, led := production.Get()
	if group == "" || !known || slices.Contains(way.Groups, group) || percent != 0 && (!led || len(way.Groups) == 0) {
		return Idle{}
	}
	return Idle{"production serves nothing of the new release yet"}
}

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
	case slices.ContainsFunc(s.Run.job.Phases, func(p finding.Phase) bool {
		return p == finding.PhaseJudge || p == finding.PhaseWatch
	}):
		return "this invocation"
	case s.Evidence.verdict != nil:
		return "the first gate, " + s.Evidence.verdict.At.Format(time.RFC3339)
	}
	return orNone("", s.Evidence.missing)
}

func orNone(saw, why string) string { return cmp.Or(saw, strings.TrimSuffix("none: "+why, ": ")) }
