package task

import (
	"fmt"
	"html"
	"math"
	"net/http"
	"net/http/httputil"
	"strings"
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
