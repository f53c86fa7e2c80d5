package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/balancer"
)

// target is an application that does nothing, behind a load balancer, with the addresses of both.
type target struct {
	direct, behind string
	close          func()
}

func newTarget(ctx context.Context) (target, error) {
	app, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return target{}, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	})}
	go func() { _ = server.Serve(app) }()
	front, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return target{}, errors.Join(err, server.Close())
	}
	lb := balancer.New()
	listener := lb.Listen("production", front)
	group := lb.Group("group", balancer.HealthCheck{Interval: 50 * time.Millisecond, Timeout: time.Second, Threshold: 2})
	group.Register(ctx, "app/1", "1.0.0", app.Addr().String())
	listener.Forward(balancer.Weight{Group: group, Share: 1})
	group.WaitHealthy(ctx)
	return target{app.Addr().String(), front.Addr().String(), func() {
		lb.Close()
		_ = server.Close()
	}}, nil
}

// client is one connection that sends the same request again and again, as cheaply as it can.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, addr string) (*client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReader(conn)}, nil
}

func (c *client) ask() error {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.conn, "GET /health HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return errors.Join(err, response.Body.Close())
}

// latency asks directly and through the load balancer in turn: what is between them is its price.
func (b *bench) latency(ctx context.Context) error {
	const rounds = 4000
	t, err := newTarget(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	direct, err := dial(ctx, t.direct)
	if err != nil {
		return err
	}
	defer func() { _ = direct.conn.Close() }()
	behind, err := dial(ctx, t.behind)
	if err != nil {
		return err
	}
	defer func() { _ = behind.conn.Close() }()
	timed := func(c *client) func(context.Context) (time.Duration, error) {
		return func(context.Context) (time.Duration, error) {
			began := time.Now()
			err := c.ask()
			return time.Since(began), err
		}
	}
	took, err := measure.InTurn(ctx, measure.Rounds{Count: rounds - rounds/10, Warm: rounds / 10}, timed(direct), timed(behind))
	if err != nil {
		return err
	}
	without, through := measure.Median(took[0]), measure.Median(took[1])
	b.Title("the load balancer: a request takes %.0f µs through it, %.0f µs without", us(through), us(without))
	b.AtMost("what it adds at the median", us(through-without), us(maxAdded), "µs")
	return nil
}

// processorTime is what this process has used of the processors.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// load keeps connections busy on two processors, which the load, the balancer and the application share.
// The limit is by the clock, so it says something on a quiet machine only; the share of the processors
// that this took tells whether it was one.
func (b *bench) load(ctx context.Context) error {
	const (
		clients = 32
		lasts   = 5 * time.Second
	)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	t, err := newTarget(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	var requests, failures atomic.Int64
	var all sync.WaitGroup
	began, before := time.Now(), processorTime()
	for range clients {
		c, err := dial(ctx, t.behind)
		if err != nil {
			return err
		}
		all.Go(func() {
			defer func() { _ = c.conn.Close() }()
			for time.Since(began) < lasts && ctx.Err() == nil {
				if c.ask() != nil {
					failures.Add(1)
					return
				}
				requests.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	busy := (processorTime() - before).Seconds()
	b.Say("  load, balancer and application had %.0f %% of two cpus", 100*busy/(2*took.Seconds()))
	b.AtLeast("what it holds on two cpus, with load and application", float64(requests.Load())/took.Seconds(), minRate, "/s")
	b.AtMost("errors in these", float64(failures.Load()), 0, "")
	return ctx.Err()
}
