package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// skipTimeout bounds reading the skip parameter. It is read when the verdict is known, out of the time
// that is kept back for storing the status, of which it may take a quarter.
const skipTimeout = 3 * time.Second

// authorisation is what the skip parameter holds. Every member is needed, but for one of the two that
// say what is skipped: a retried deployment has a new id, its release has not.
type authorisation struct {
	DeploymentID string    `json:"deployment_id"`
	Release      string    `json:"release"`
	By           string    `json:"by"`
	Why          string    `json:"why"`
	Expires      time.Time `json:"expires"`
}

// refusal says why the authorisation does not let this deployment pass, or "" when it does.
func (a authorisation) refusal(deploymentID, release string, now time.Time) string {
	switch {
	case a.By == "" || a.Why == "":
		return "it does not say by whom and why"
	case a.Expires.IsZero():
		return "it has no expiry"
	case !now.Before(a.Expires):
		return "it expired at " + a.Expires.Format(time.RFC3339)
	case a.DeploymentID == "" && a.Release == "":
		return "it names neither a deployment nor a release"
	case a.DeploymentID != "" && a.DeploymentID != deploymentID:
		return "it is for another deployment"
	case a.Release != "" && a.Release != release:
		return "it is for another release"
	}
	return ""
}

// skip looks for somebody's authorisation to let this release of this deployment pass.
func (g *Gate) skip(ctx context.Context, in *invocation, release string) decision.Skip {
	// The run's own time may be over.
	most := skipTimeout
	if !in.budget.deadline.IsZero() {
		most = min(most, time.Until(in.budget.deadline)/4)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	a, err := g.authorisation(ctx)
	if err != nil {
		in.j.warn("no skip: " + err.Error())
		return decision.Skip{}
	}
	if why := a.refusal(in.event.DeploymentID, release, time.Now()); why != "" {
		in.j.note("no skip: the parameter " + g.Settings.SkipParameter + " does not apply: " + why)
		return decision.Skip{}
	}
	return decision.Authorised(a.By, a.Why, a.Expires)
}

func (g *Gate) authorisation(ctx context.Context) (authorisation, error) {
	var out struct {
		Parameter struct{ Value string }
	}
	in := map[string]any{"Name": g.Settings.SkipParameter, "WithDecryption": true}
	if err := g.AWS.JSON(ctx, signed.SSM, "GetParameter", in, &out); err != nil {
		return authorisation{}, err
	}
	var a authorisation
	dec := json.NewDecoder(bytes.NewReader([]byte(out.Parameter.Value)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil || dec.More() {
		return authorisation{}, fmt.Errorf(`read parameter %s: want {"deployment_id" or "release", "by", "why", "expires": "2006-01-02T15:04:05Z"}`, g.Settings.SkipParameter)
	}
	return a, nil
}
