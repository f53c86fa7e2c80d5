package gate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
)

// skipTimeout bounds reading the skip parameter. It is read after the verdict, in the time that is kept back for
// storing the status, and may take a quarter of that.
const skipTimeout = 3 * time.Second

// longestSkip is how far in the future a skip may expire. A skip that outlives the night in which it was needed is an
// open gate that nobody remembers.
const longestSkip = 24 * time.Hour

// authorisation is what the skip parameter holds. Every member is required, but of the deployment's id and the release
// one is enough: a retried deployment has a new id and the same release.
type authorisation struct {
	deploymentID, release, by, why string
	expires                        time.Time
}

// refusal says why the authorisation does not let this deployment pass, or "" when it does.
func (a authorisation) refusal(deploymentID, release string, now time.Time) string {
	switch ahead := a.expires.Sub(now); {
	case strings.TrimSpace(a.by) == "" || strings.TrimSpace(a.why) == "":
		return "it does not say by whom and why"
	case a.expires.IsZero():
		return "it has no expiry"
	case ahead <= 0:
		return "it expired at " + a.expires.UTC().Format(time.RFC3339)
	case ahead > longestSkip:
		return fmt.Sprintf("it expires in %.0f h, at most %.0f h are allowed", math.Ceil(ahead.Hours()), longestSkip.Hours())
	case a.deploymentID == "" && a.release == "":
		return "it names neither a deployment nor a release"
	case a.deploymentID != "" && a.deploymentID != deploymentID:
		return "it is for another deployment"
	case a.release != "" && a.release != release:
		return "it is for another release"
	}
	return ""
}

// skip looks for somebody's authorisation to let this release of this deployment pass.
func (g *Gate) skip(ctx context.Context, in *invocation, release string) decision.Skip {
	// ctx may have ended with the run, so it does not bound this.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.budget.spare(skipTimeout))
	defer cancel()
	asked := g.Settings.SkipParameter
	var a authorisation
	text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, asked)
	if err == nil {
		if a, err = readAuthorisation(text); err != nil {
			err = fmt.Errorf(`read parameter %s: it %w, want `+
				`{"deployment_id" or "release", "by", "why", "expires": "2006-01-02T15:04:05Z"}`, asked, err)
		}
	}
	if err != nil {
		in.j.warn("no skip: " + err.Error())
		return decision.Skip{}
	}
	if why := a.refusal(in.event.DeploymentID, release, time.Now()); why != "" {
		in.j.note("no skip: the parameter " + asked + " does not apply: " + why)
		return decision.Skip{}
	}
	return decision.Authorised(a.by, a.why, a.expires)
}

// readAuthorisation accepts the five members by their exact names and no others: a typo in a key must not change what
// is authorised.
func readAuthorisation(text string) (authorisation, error) {
	all, err := members(text)
	if err != nil {
		return authorisation{}, err
	}
	var a authorisation
	fields := map[string]*string{
		"deployment_id": &a.deploymentID, "release": &a.release, "by": &a.by, "why": &a.why, "expires": new(string),
	}
	for name, value := range all {
		if fields[name] == nil {
			return a, fmt.Errorf("has the key %.40q, which is none of the five", name)
		}
		*fields[name] = value
	}
	if text, said := all["expires"]; said {
		if a.expires, err = time.Parse(time.RFC3339, text); err != nil {
			return a, errors.New("has an expiry that is not a time")
		}
	}
	return a, nil
}
