// The floor command is what bench holds smoke against: the same requests and checks, written by hand with
// net/http and nothing else. It knows no suite, no report and no secret.
//
//	floor URL COUNT CONCURRENCY
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: floor URL COUNT CONCURRENCY")
		os.Exit(2)
	}
	count, _ := strconv.ParseInt(os.Args[2], 10, 64) // none of none is right is seen below
	concurrency, _ := strconv.Atoi(os.Args[3])
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	var next, right atomic.Int64
	var all sync.WaitGroup
	for range concurrency {
		all.Go(func() {
			for next.Add(1) <= count {
				if err := ask(client, os.Args[1]); err == nil {
					right.Add(1)
				} else {
					fmt.Fprintln(os.Stderr, "floor:", err)
				}
			}
		})
	}
	all.Wait()
	if n := right.Load(); n == 0 || n != count {
		fmt.Fprintf(os.Stderr, "floor: %d of %d are right\n", n, count)
		os.Exit(1)
	}
}

func ask(client *http.Client, url string) error {
	resp, err := client.Get(url) //nolint:gosec,noctx // what bench names, within the client's timeout
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Service") != "trips" || answer["status"] != "ok" {
		return fmt.Errorf("status %d, %.200q", resp.StatusCode, data)
	}
	return nil
}
