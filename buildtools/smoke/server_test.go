package main

import (
	"bufio"
	"compress/gzip"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// server answers as a file of routes says, one a line:
//
//	METHOD PATH STATUS [Header:value …] BODY
//	METHOD PATH hang | drip | endless | bomb | reset | truncated | behind | echo | deep | slow DURATION BODY
//
// Several lines for one route are answers in turn. $NAME in a line is taken from the script's environment.
type server struct {
	*httptest.Server
	done chan struct{}

	mu     sync.Mutex
	routes map[string][]string
	log    strings.Builder
}

func newServer(text string, env func(string) string) (*server, error) {
	s := &server{routes: map[string][]string{}, done: make(chan struct{})}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(os.Expand(line, func(name string) string { return env(name) }))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) < 3 {
			return nil, fmt.Errorf("no route: %q", line)
		}
		key := fields[0] + " " + fields[1]
		s.routes[key] = append(s.routes[key], fields[2])
	}
	return s, nil
}

func (s *server) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *server) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key := r.Method + " " + r.URL.EscapedPath()
	s.mu.Lock()
	s.log.WriteString(strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)) + "\n")
	answers := s.routes[key]
	if len(answers) > 1 {
		s.routes[key] = append(answers[1:], answers[0])
	}
	s.mu.Unlock()
	if len(answers) == 0 {
		http.NotFound(w, r)
		return
	}
	s.answer(w, r, answers[0], string(body))
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, line, body string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "hang":
		s.wait(r, time.Hour)
	case "drip":
		w.Header().Set("Content-Length", "100000")
		for s.wait(r, 20*time.Millisecond) {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
		}
	case "endless":
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	case "bomb":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 32 {
			if _, err := z.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	case "reset", "truncated":
		s.breakOff(w, word)
	case "behind": // a body where the status allows none
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 204 No Content\r\n\r\n{\"you_sent\":%q}\n", r.Header.Get("Authorization"))
		_, _ = io.Copy(io.Discard, conn) // until the client has read it
	case "deep":
		_, _ = io.WriteString(w, strings.Repeat("[", 100000))
	case "echo":
		_, _ = fmt.Fprintf(w, "%s %s\n%s\n%s\n%s\n", r.Method, r.RequestURI, r.Host, r.Header.Get("Authorization"), body)
	case "slow":
		d, text, _ := strings.Cut(rest, " ")
		pause, _ := time.ParseDuration(d)
		s.wait(r, pause)
		_, _ = io.WriteString(w, text)
	default:
		plain(w, word, rest)
	}
}

func plain(w http.ResponseWriter, word, rest string) {
	for {
		field, after, _ := strings.Cut(rest, " ")
		name, value, ok := strings.Cut(field, ":")
		if !ok || name == "" || strings.ContainsAny(name, `{"<`) {
			break
		}
		w.Header().Add(name, value)
		rest = after
	}
	code, err := strconv.Atoi(word)
	if err != nil {
		code, rest = 500, "no such behaviour: "+word
	}
	w.WriteHeader(code)
	if code != http.StatusNoContent {
		_, _ = io.WriteString(w, rest)
	}
}

func (s *server) breakOff(w http.ResponseWriter, how string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if how == "truncated" {
		b := bufio.NewWriter(conn)
		_, _ = b.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"status\":")
		_ = b.Flush()
	} else if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}

// wait reports false when the client or the test has gone.
func (s *server) wait(r *http.Request, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}
