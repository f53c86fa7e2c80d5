// Package parallel runs functions side by side without giving a panic of one of them the power to end the process: a
// hook that is gone cannot report. That is what it adds to errgroup.
package parallel

import (
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Panic is what Do panics with: what a function panicked with, and where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("%v", p.Value) }

// Do runs the functions side by side and returns when all have ended. When some panicked, Do panics with the first
// one's *Panic, in the caller's goroutine, where it can be recovered.
func Do(functions ...func()) {
	var all errgroup.Group
	for _, f := range functions {
		all.Go(func() (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = &Panic{v, debug.Stack()}
				}
			}()
			f()
			return nil
		})
	}
	if p, ok := errors.AsType[*Panic](all.Wait()); ok {
		panic(p)
	}
}
