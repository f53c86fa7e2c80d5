package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

// bench is one run of the measurements: programs, files and the server that they ask.
type bench struct {
	*measure.Sheet
	starter measure.Starter
	rounds  int
	dir     string
	url     string
	server  *http.Server
}

func newBench(ctx context.Context, rounds int, out io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "bench-smoke")
	if err != nil {
		return nil, err
	}
	b := &bench{Sheet: measure.NewSheet(out), rounds: rounds, dir: dir}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return b, nil
}

func (b *bench) open(ctx context.Context) error {
	if err := measure.Build(ctx, b.dir, nil, "./buildtools/smoke", "./buildtools/bench-smoke/floor"); err != nil {
		return err
	}
	var err error
	if b.starter, err = measure.NewStarter(ctx, b.dir); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.url = "http://" + listener.Addr().String()
	b.server = &http.Server{Handler: handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = b.server.Serve(listener) }()
	return nil
}

func (b *bench) close() {
	_ = b.server.Close()
	_ = os.RemoveAll(b.dir)
}

// handler answers every check of the bench.
func handler() http.Handler {
	mux := http.NewServeMux()
	ok := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Service", "trips")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"status":"ok","id":7,"trips":[{"id":"t-1","title":"Lisbon","days":4}]}`)
		}
	}
	mux.HandleFunc("/", ok(http.StatusOK))
	mux.HandleFunc("POST /orders", ok(http.StatusCreated))
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-r.Context().Done():
		}
		ok(http.StatusOK)(w, r)
	})
	return mux
}

// own is one of the programs that were built here.
func (b *bench) own(program, name string, args ...string) measure.Program {
	return measure.Program{Name: name, Args: append([]string{filepath.Join(b.dir, program)}, args...), Dir: b.dir}
}

func (b *bench) smoke(name, file string) measure.Program {
	return b.own("smoke", name, "--target", b.url, file)
}
