package task

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
)

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
