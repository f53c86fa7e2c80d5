package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// The growth that is taken for noise: a heap is not the same twice.
const (
	moreHeap       = 1 << 20
	moreGoroutines = 3
	moreFiles      = 3
)

// level is what a process holds.
type level struct {
	heap              uint64
	goroutines, files int
}

func now() (level, error) {
	runtime.GC()
	runtime.GC() // the second one frees what finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/dev/fd") // Linux and macOS both have it
	if err != nil {
		return level{}, fmt.Errorf("count the open files: %w", err)
	}
	return level{m.HeapAlloc, runtime.NumGoroutine(), len(files)}, nil
}

// growth holds a hundred rehearsals in this process, without hooks, as fast as they go.
func (b *bench) growth(ctx context.Context) error {
	const rounds, warm = 100, 10
	p, err := b.plan()
	if err != nil {
		return err
	}
	p.Tasks, p.Speed, p.Traffic, p.Hooks = 1, 100_000, 200, nil
	var first level
	for i := range rounds {
		r, err := p.Run(ctx, nil)
		if err != nil {
			return err
		}
		if r.Outcome != rehearsal.Shifted {
			return fmt.Errorf("rehearsal %d: %s", i+1, r.Why)
		}
		if i+1 == warm {
			if first, err = now(); err != nil {
				return err
			}
		}
	}
	last, err := now()
	for deadline := time.Now().Add(time.Second); err == nil && last.goroutines > first.goroutines && time.Now().Before(deadline); {
		last, err = now() // the last connections are still closing
	}
	if err != nil {
		return err
	}
	b.Title("%d rehearsals in one process: growth from the %dth to the last", rounds, warm)
	b.Say("  heap %d and %d KiB, goroutines %d and %d, files %d and %d",
		first.heap>>10, last.heap>>10, first.goroutines, last.goroutines, first.files, last.files)
	b.AtMost("heap", (float64(last.heap)-float64(first.heap))/1024, moreHeap>>10, "KiB")
	b.AtMost("goroutines", float64(last.goroutines-first.goroutines), moreGoroutines, "")
	b.AtMost("open files", float64(last.files-first.files), moreFiles, "")
	return nil
}
