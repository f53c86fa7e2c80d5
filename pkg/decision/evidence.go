package decision

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

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
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
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
