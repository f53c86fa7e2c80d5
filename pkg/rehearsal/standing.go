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
	standing := &Standing{stage: s}
	for _, t := range s.blue.set.Load().Tasks {
		standing.Blue = append(standing.Blue, t.Addr)
	}
	for _, t := range s.green.set.Load().Tasks {
		standing.Green = append(standing.Green, t.Addr)
	}
	return standing, nil
}

// Close ends the tasks. Nothing of them runs when it returns.
func (s *Standing) Close() { s.stage.close() }
