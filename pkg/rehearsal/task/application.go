package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"
)

// Trip is what the application plans.
type Trip struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Days   int    `json:"days"`
	Status string `json:"status"`
}

const maxTrip = 64 << 10

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
	s := storeClient{base: o.Store, client: &http.Client{Timeout: 5 * time.Second}}
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
	mux.HandleFunc("GET /api/trips/{id}", s.get)
	mux.HandleFunc("POST /api/trips", s.create)
	mux.HandleFunc("DELETE /api/trips/{id}", s.remove)
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

type storeClient struct {
	base   string
	client *http.Client
}

// call asks the store; a nil trip means that there is no such one.
func (s storeClient) call(ctx context.Context, method, id string, body io.Reader) (*Trip, error) {
	of := s.base + "/trips/" + url.PathEscape(id)
	request, err := http.NewRequestWithContext(ctx, method, of, body) //nolint:gosec // our own store, on loopback
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNotFound {
		return nil, nil //nolint:nilnil // "there is none" is an answer
	}
	var t Trip
	if err := json.NewDecoder(response.Body).Decode(&t); err != nil {
		return nil, err
	}
	return &t, nil
}

func (s storeClient) get(w http.ResponseWriter, r *http.Request) {
	for _, t := range seeded() {
		if t.ID == r.PathValue("id") {
			reply(w, http.StatusOK, t)
			return
		}
	}
	t, err := s.call(r.Context(), http.MethodGet, r.PathValue("id"), http.NoBody)
	found(w, t, err, func() { reply(w, http.StatusOK, t) })
}

func (s storeClient) remove(w http.ResponseWriter, r *http.Request) {
	t, err := s.call(r.Context(), http.MethodDelete, r.PathValue("id"), http.NoBody)
	found(w, t, err, func() { w.WriteHeader(http.StatusNoContent) })
}

func found(w http.ResponseWriter, t *Trip, err error, answer func()) {
	switch {
	case err != nil:
		reply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
	case t == nil:
		reply(w, http.StatusNotFound, map[string]string{"error": "no such trip"})
	default:
		answer()
	}
}

func (s storeClient) create(w http.ResponseWriter, r *http.Request) {
	var t Trip
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTrip)).Decode(&t)
	if err == nil && (t.Title == "" || t.Days < 1) {
		err = errors.New("a trip has a title and at least one day")
	}
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	t.ID, t.Status = newTripID(), "planned"
	if err := s.put(r.Context(), t); err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	w.Header().Set("Location", "/api/trips/"+t.ID)
	reply(w, http.StatusCreated, t)
}
