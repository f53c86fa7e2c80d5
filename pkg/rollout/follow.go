package rollout

import (
	"context"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// Watch is how a deployment is followed.
type Watch struct {
	// Every is how often it is looked at, Patience how long without an answer.
	Every, Patience time.Duration
	// Show is told what is seen, Trouble why nothing is.
	Show    func(State)
	Trouble func(error)
	// Enough, where it is set, ends the watch before the deployment ends.
	Enough func(State) bool
}

// Follow looks at a deployment until it is over or enough was seen. It returns what was seen last. What AWS refuses ends
// the watch, and so does a time without answers that is longer than the patience; the deployment goes on then.
func (w Watch) Follow(ctx context.Context, c Controller, id string) (State, error) {
	last, answered := State{ID: id, Share: -1}, time.Now()
	for {
		seen, err := c.Look(ctx, id)
		switch {
		case ctx.Err() != nil:
			return last, ctx.Err()
		case err == nil:
			last, answered = seen, time.Now()
			w.Show(seen)
			if seen.Phase.Over() || w.Enough(seen) {
				return seen, nil
			}
		case awsclient.IsCode(err, refusals()...) || time.Since(answered) > w.Patience:
			return last, err
		default:
			w.Trouble(err)
		}
		select {
		case <-time.After(w.Every):
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

// refusals are answers that another try does not change.
func refusals() []string {
	return []string{
		"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "ExpiredTokenException", "ExpiredToken",
		"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
	}
}
