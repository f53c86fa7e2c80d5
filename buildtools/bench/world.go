package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// world is an application and a CodeDeploy that stores every status at once; any other call of AWS is refused.
type world struct {
	url    string
	server *httptest.Server

	mu sync.Mutex
	// answered is when the last request of a check was answered, stored when the status came.
	answered, stored time.Time
	status           string
}

func newWorld() *world {
	w := &world{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", w.aws)
	mux.HandleFunc("GET /", w.check(`{"status":"ok","version":"1.1","trips":["Lisbon"]}`, 0))
	mux.HandleFunc("GET /slow", w.check(`{"status":"ok"}`, 100*time.Millisecond))
	trips := strings.Repeat(`{"id":"t-1","title":"Lisbon","days":4},`, 25000)
	mux.HandleFunc("GET /big", w.check(`{"trips":[`+trips+`{}]}`, 0))
	mux.HandleFunc("GET /endless", endless)
	mux.HandleFunc("GET /bomb", bomb())
	w.server = httptest.NewServer(mux)
	w.url = w.server.URL
	return w
}

func (w *world) aws(rw http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutLifecycleEventHookExecutionStatus") {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"__type":"AccessDeniedException","message":"not authorized"}`)
		return
	}
	var in struct {
		Status string `json:"status"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.mu.Lock()
	w.stored, w.status = time.Now(), in.Status
	w.mu.Unlock()
	_, _ = io.WriteString(rw, `{}`)
}

func (w *world) check(body string, pause time.Duration) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		time.Sleep(pause) //nolint:forbidigo // it is a slow application
		rw.Header().Set("X-Service", "trips")
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, body)
		w.mu.Lock()
		w.answered = time.Now()
		w.mu.Unlock()
	}
}

// delay is the time from the last answer to the stored status.
func (w *world) delay() (time.Duration, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored.Sub(w.answered), w.status
}

// endless answers as fast as it can, for ever.
func endless(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(`"Lisbon",`, 4096))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// bomb is 256 KiB that unpack to 256 MiB: one mebibyte of nothing, packed once and said 256 times.
func bomb() http.HandlerFunc {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20)) // into memory
	_ = z.Close()
	body := bytes.Repeat(b.Bytes(), 256)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	}
}
