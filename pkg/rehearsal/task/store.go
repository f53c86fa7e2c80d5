package task

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxStored bounds what a Store keeps; a suite that never cleans up must not fill the memory.
const maxStored = 100_000

// Store is the database that the tasks share, served over HTTP: GET, PUT and DELETE of /trips/{id}. It
// lives in the process that starts the tasks, and nothing of it is left when that ends.
type Store struct {
	mu    sync.Mutex
	trips map[string][]byte
}

// ServeHTTP answers one task.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.URL.Path
	trip, ok := s.trips[id]
	switch {
	case r.Method == http.MethodPut && len(s.trips) < maxStored:
		body, err := io.ReadAll(io.LimitReader(r.Body, maxTrip))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if s.trips == nil {
			s.trips = map[string][]byte{}
		}
		s.trips[id], trip = body, body
	case r.Method == http.MethodPut:
		http.Error(w, "the store is full", http.StatusInsufficientStorage)
		return
	case !ok:
		http.NotFound(w, r)
		return
	case r.Method == http.MethodDelete:
		delete(s.trips, id)
	}
	_, _ = w.Write(trip)
}

func (s storeClient) put(ctx context.Context, t Trip) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = s.call(ctx, http.MethodPut, t.ID, bytes.NewReader(body))
	return err
}

func newTripID() string { return "t-" + strings.ToLower(rand.Text()) }
