//go:build !windows

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// headerfirst DELAY is an application that writes an answer's header and its body apart, with Nagle's algorithm on, as
// Python's http.server does. DELAY is how much slower GET /search is.
func headerfirst() {
	delay, err := time.ParseDuration(os.Args[1])
	if err == nil {
		server := &http.Server{
			Addr: "127.0.0.1:" + os.Getenv("PORT"),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/search" {
					<-time.After(delay)
				}
				body := `{"release":"` + os.Getenv("RELEASE") + `"}`
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				_ = http.NewResponseController(w).Flush()
				_, _ = io.WriteString(w, body)
			}),
			ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
				if tcp, ok := conn.(*net.TCPConn); ok {
					_ = tcp.SetNoDelay(false)
				}
				return ctx
			},
		}
		err = server.ListenAndServe()
	}
	fmt.Fprintln(os.Stderr, "headerfirst:", err)
	os.Exit(1) //nolint:revive // this is a program
}
