package finding

// Verdict is what a check, a comparison or a whole suite says about the release. The zero value is no
// verdict, and ranks as Error: a result that somebody forgot to set never opens a gate.
type Verdict string

// The verdicts, as reports, logs and metrics spell them. Skipped is given only by a hook, for an authorised skip.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
	Error        Verdict = "ERROR"
	Skipped      Verdict = "SKIPPED"
)

// Worst returns the worse of two verdicts: FAIL > ERROR > INCONCLUSIVE > PASS. Any other
// value counts as Error.
func Worst(a, b Verdict) Verdict {
	for _, v := range []Verdict{Fail, Error, Inconclusive} {
		if a.known() == v || b.known() == v {
			return v
		}
	}
	return Pass
}

func (v Verdict) known() Verdict {
	switch v {
	case Pass, Fail, Inconclusive, Error:
		return v
	case Skipped:
	}
	return Error
}

// Blame says whose business a verdict is, so that the right person is woken.
type Blame string

// The blames, as reports and logs spell them.
const (
	// BlameNone goes with PASS.
	BlameNone Blame = "none"
	// BlameRelease is the new version's: the release is broken.
	BlameRelease Blame = "release"
	// BlameEnvironment is everybody's: the old version fails in the same way, or cannot be asked.
	BlameEnvironment Blame = "environment"
	// BlameGate is Greenlight's own.
	BlameGate Blame = "gate"
	// BlameConfig is the suite's, a setting's or a secret's.
	BlameConfig Blame = "config"
)
