// The floor command is what bench-smoke holds smoke against: the same requests and checks, written by
// hand with net/http and nothing else. It knows no suite, no report and no secret.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/stdlog"
)

func main() {
	stdlog.TakeOver()
	if err := run(context.Background(), os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// run takes: checks URL PATH COUNT CONCURRENCY, or flow URL.
func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == "flow" {
		return flow(ctx, args[1])
	}
	if len(args) != 5 {
		return fmt.Errorf("want checks URL PATH COUNT CONCURRENCY, or flow URL")
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	concurrency, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	var next, failed atomic.Int64
	var all sync.WaitGroup
	for range concurrency {
		all.Go(func() {
			for next.Add(1) <= int64(count) {
				if _, err := ask(ctx, client, http.MethodGet, args[1]+args[2], "", http.StatusOK); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := failed.Load(); n > 0 {
		return fmt.Errorf("%d of %d failed", n, count)
	}
	return nil
}

// flow makes the five requests of the bench's flow, one after the other.
func flow(ctx context.Context, base string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	created, err := ask(ctx, client, http.MethodPost, base+"/orders", `{"sku":"A-1","qty":2}`, http.StatusCreated)
	if err != nil {
		return err
	}
	id := fmt.Sprint(created["id"])
	for _, r := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "/orders/" + id, "", http.StatusOK},
		{http.MethodPut, "/orders/" + id, `{"qty":3}`, http.StatusOK},
		{http.MethodGet, "/orders/" + id, "", http.StatusOK},
		{http.MethodDelete, "/orders/" + id, "", http.StatusOK},
	} {
		if _, err := ask(ctx, client, r.method, base+r.path, r.body, r.status); err != nil {
			return err
		}
	}
	return nil
}

func ask(ctx context.Context, client *http.Client, method, url, body string, status int) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body)) //nolint:gosec // asks the server that bench-smoke names
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req) //nolint:gosec // asks the server that bench-smoke names
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	if resp.StatusCode != status || resp.Header.Get("X-Service") != "trips" || answer["status"] != "ok" {
		return nil, fmt.Errorf("%s %s: status %d", method, url, resp.StatusCode)
	}
	return answer, nil
}
