package task

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
)

// Trip is what the application plans.
type Trip struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Days   int    `json:"days"`
	Status string `json:"status"`
}

// seeded are the trips that every release knows from the start. The list shows these and only these,
// so that a check of the list holds while another check creates and deletes trips.
func seeded() []Trip {
	return []Trip{
		{"t-1", "Lisbon", 4, "planned"},
		{"t-2", "Kyoto", 9, "booked"},
		{"t-3", "Tromsø", 5, "planned"},
	}
}

func application(o BuiltinOptions) http.Handler {
	store := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", strings.TrimPrefix(o.Store, "http://")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			says(http.StatusInternalServerError, err.Error())(w, r)
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!doctype html><html lang=en><title>Trips</title><h1>Trips</h1><p>Release %s\n",
			html.EscapeString(o.Release))
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-App-Version", o.Release)
		reply(w, http.StatusOK, map[string]string{"version": o.Release})
	})
	mux.HandleFunc("GET /api/trips", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string][]Trip{"trips": seeded()})
	})
	mux.Handle("GET /api/trips/{id}", store)
	mux.Handle("POST /api/trips", store)
	mux.Handle("DELETE /api/trips/{id}", store)
	mux.HandleFunc("GET /api/report", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"trips": len(seeded()), "score": work()})
	})
	return mux
}

// work keeps a processor busy for a few milliseconds, as a report would.
func work() float64 {
	sum := 0.0
	for i := range 100_000 {
		sum += math.Sqrt(float64(i))
	}
	return math.Round(sum)
}

const (
	maxTrip = 64 << 10
	// maxStored bounds what a Store keeps; a suite that never cleans up must not fill the memory.
	maxStored = 100_000
)

// Store is what the tasks share: it makes, shows and deletes trips, for each task that passes a request on to it. It
// lives in the process that starts the tasks, and nothing of it is left when that ends.
type Store struct {
	mu    sync.Mutex
	trips map[string]Trip
}

// ServeHTTP answers one task.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/api/trips/")
	if r.Method == http.MethodPost {
		s.create(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	trip, found := s.trips[id]
	if i := slices.IndexFunc(seeded(), func(t Trip) bool { return t.ID == id }); i >= 0 && r.Method == http.MethodGet {
		trip, found = seeded()[i], true
	}
	switch {
	case !found:
		says(http.StatusNotFound, "no such trip")(w, r)
	case r.Method == http.MethodDelete:
		delete(s.trips, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		reply(w, http.StatusOK, trip)
	}
}

func (s *Store) create(w http.ResponseWriter, r *http.Request) {
	var t Trip
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTrip)).Decode(&t)
	if err == nil && (t.Title == "" || t.Days < 1) {
		err = errors.New("a trip has a title and at least one day")
	}
	if err != nil {
		says(http.StatusBadRequest, err.Error())(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.trips) >= maxStored {
		says(http.StatusInternalServerError, "the store is full")(w, r)
		return
	}
	if s.trips == nil {
		s.trips = map[string]Trip{}
	}
	t.ID, t.Status = "t-"+strings.ToLower(rand.Text()), "planned"
	s.trips[t.ID] = t
	w.Header().Set("Location", "/api/trips/"+t.ID)
	reply(w, http.StatusCreated, t)
}
