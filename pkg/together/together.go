// Package together runs functions side by side without giving a panic of one of them the power to end
// the process: a hook that is gone cannot report.
package together

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Panic is what Do panics with: what a function panicked with, and where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("%v", p.Value) }

// Do runs the functions side by side and returns when all have ended. When some panicked, Do panics
// with the first one's *Panic, in the caller's goroutine, where it can be recovered.
func Do(functions ...func()) {
	var (
		all   sync.WaitGroup
		once  sync.Once
		first *Panic
	)
	for _, f := range functions {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					once.Do(func() { first = &Panic{v, debug.Stack()} })
				}
			}()
			f()
		})
	}
	all.Wait()
	if first != nil {
		panic(first)
	}
}
