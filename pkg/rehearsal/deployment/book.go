package deployment

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"sync"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// The reasons for which a Book refuses a call; the API gives each AWS's name.
var (
	ErrUnknown        = errors.New("no such deployment")
	ErrExecution      = errors.New("no such hook execution")
	ErrStatus         = errors.New("a hook reports Succeeded or Failed")
	ErrAnswered       = errors.New("the lifecycle event has ended")
	ErrEnded          = errors.New("the deployment has ended")
	ErrNotReady       = errors.New("the deployment waits for nothing")
	errAlreadyExpects = errors.New("the event already expects an answer")
)

// Stop is a request to stop a deployment: somebody's, or an alarm's.
type Stop struct {
	Rollback bool
	// Alarm says what set the alarm off; it is empty when somebody stopped it, By calling what is named: StopDeployment
	// where it is empty.
	Alarm, By string
}

// execution is one invocation of a hook that has yet to answer.
type execution struct {
	event    lifecycle.Name
	answer   chan EventStatus
	answered bool
}

// entry is a deployment with what may happen to it from outside.
type entry struct {
	state      Deployment
	executions map[string]*execution
	stop       chan Stop
	stopped    bool
	// goOn is closed when somebody ends the wait that is under way.
	goOn chan struct{}
}

// Book holds the deployments of one rehearsal. It is safe for use by several goroutines.
type Book struct {
	mu sync.Mutex
	// entries are in the order in which they were added.
	entries []*entry
	// offer makes the deployment that the next Ask begins, and asked is closed then.
	offer func(definition string) Deployment
	asked chan struct{}
}

// NewBook returns an empty Book.
func NewBook() *Book { return &Book{} }

// Add puts d into the book.
func (b *Book) Add(d Deployment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(d)
}

func (b *Book) add(d Deployment) {
	b.entries = append(b.entries, &entry{state: d.Clone(), executions: map[string]*execution{}, stop: make(chan Stop, 1)})
}

// Offer makes the deployment that the next definition given to Ask begins: a task definition, or CodeDeploy's AppSpec.
// The channel is closed then.
func (b *Book) Offer(begin func(definition string) Deployment) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offer, b.asked = begin, make(chan struct{})
	return b.asked
}

// Ask begins the deployment that is on offer.
func (b *Book) Ask(definition string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offer == nil {
		return ErrNotReady
	}
	b.add(b.offer(definition))
	b.offer = nil
	close(b.asked)
	return nil
}

// at does something with a deployment's entry while nobody else does.
func (b *Book) at(id string, do func(e *entry) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.entries, func(e *entry) bool { return e.state.ID == id })
	if i < 0 {
		return ErrUnknown
	}
	return do(b.entries[i])
}

// Get returns a copy of the deployment.
func (b *Book) Get(id string) (d Deployment, ok bool) {
	b.Update(id, func(known *Deployment) { d, ok = known.Clone(), true })
	return d, ok
}

// All returns copies of the deployments, the newest first, as ListDeployments does.
func (b *Book) All() []Deployment {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Deployment
	for _, e := range slices.Backward(b.entries) {
		all = append(all, e.state.Clone())
	}
	return all
}

// Update changes the deployment; change must not call the Book.
func (b *Book) Update(id string, change func(*Deployment)) {
	_ = b.at(id, func(e *entry) error { change(&e.state); return nil }) // of one that is not known there is nothing to change
}

// Expect opens a hook execution for the event and returns its id and where the answer will come. The
// first answer wins; there is never a second one.
func (b *Book) Expect(id string, event lifecycle.Name) (executionID string, answer <-chan EventStatus, err error) {
	err = b.at(id, func(e *entry) error {
		for _, x := range e.executions {
			if x.event == event {
				return errAlreadyExpects
			}
		}
		x := &execution{event: event, answer: make(chan EventStatus, 1)}
		id := make([]byte, 96) // as AWS's look: long, opaque, like base64
		_, _ = rand.Read(id)   // never fails (crypto/rand)
		executionID, answer = base64.StdEncoding.EncodeToString(id), x.answer
		e.executions[executionID] = x
		return nil
	})
	return executionID, answer, err
}

// Answer stores what a hook reports.
func (b *Book) Answer(id, executionID string, status EventStatus) error {
	return b.at(id, func(e *entry) error {
		x, ok := e.executions[executionID]
		if !ok {
			return ErrExecution
		}
		if status != EventSucceeded && status != EventFailed {
			return ErrStatus
		}
		event := e.state.Event(x.event)
		if x.answered || event == nil || event.Status != EventInProgress || e.state.Status.Ended() {
			return ErrAnswered
		}
		x.answered = true
		x.answer <- status
		return nil
	})
}

// Stop asks the rehearsal to stop the deployment.
func (b *Book) Stop(id string, stop Stop) error {
	return b.at(id, func(e *entry) error {
		if e.state.Status.Ended() || e.state.Status == RollingBack {
			return ErrEnded
		}
		if !e.stopped {
			e.stopped = true
			e.stop <- stop
		}
		return nil
	})
}

// Stopped returns the channel on which a request to stop the deployment arrives, at most once.
func (b *Book) Stopped(id string) (stop <-chan Stop) {
	_ = b.at(id, func(e *entry) error { stop = e.stop; return nil }) // one that is not known is never stopped
	return stop
}

// Await begins a wait and returns a channel that is closed when somebody ends it. A deployment that waits for its
// traffic to be moved is Ready.
func (b *Book) Await(id string, wait Wait) (goOn <-chan struct{}) {
	_ = b.at(id, func(e *entry) error {
		e.state.Waiting, e.goOn = wait, make(chan struct{})
		if wait == ReadyWait {
			e.state.Status = Ready
		}
		goOn = e.goOn
		return nil
	})
	return goOn
}

// Continue ends the wait that is under way; an empty wait ends any.
func (b *Book) Continue(id string, wait Wait) error {
	return b.at(id, func(e *entry) error {
		switch {
		case e.state.Status.Ended():
			return ErrEnded
		case e.state.Waiting == "" || wait != "" && wait != e.state.Waiting:
			return ErrNotReady
		case e.state.Status == Ready:
			e.state.Status = InProgress
		}
		e.state.Waiting = ""
		close(e.goOn)
		return nil
	})
}

// NewID returns a deployment id in AWS's shape: "d-" and nine capitals or digits.
func NewID() string { return "d-" + rand.Text()[:9] }
