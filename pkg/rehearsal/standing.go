package rehearsal

import "context"

// Standing is both releases' tasks, up and without a deployment: several rehearsals can share them.
type Standing struct {
	// Blue and Green are the tasks' "host:port".
	Blue, Green []string

	stage *stage
}

// Stand starts both releases' tasks and returns when they serve; blue must be healthy, as in Run. What
// cannot be started is a *SetupError. Close ends the tasks.
func (p Plan) Stand(ctx context.Context, emit func(Event)) (*Standing, error) {
	p.ProductionPort, p.TestPort = 0, 0
	s, err := newStage(ctx, p, emit)
	if err != nil {
		return nil, err
	}
	err = s.serveBlue(ctx)
	if err == nil {
		err = s.up(ctx, s.green)
	}
	if err != nil {
		s.close() //nolint:contextcheck // it must end everything also when the context has ended
		return nil, err
	}
	return &Standing{Blue: s.blue.addrs(), Green: s.green.addrs(), stage: s}, nil
}

func (d *side) addrs() (all []string) {
	for _, t := range d.set.Load().Tasks {
		all = append(all, t.Addr)
	}
	return all
}

// Close ends the tasks. Nothing of them runs when it returns.
func (s *Standing) Close() { s.stage.close() }
