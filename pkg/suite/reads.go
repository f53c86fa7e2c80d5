package suite

import (
	"slices"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// ReadPaths lists the paths that the suite's checks of a single GET ask for, each once: what anybody may
// ask of the application at any time. A path with a variable in it is left out, and one that needs more
// headers than a plain request has.
func (s *Suite) ReadPaths() []string {
	var paths []string
	for i := range s.checks {
		c := &s.checks[i]
		if c.Flow || len(c.Steps) != 1 {
			continue
		}
		step := c.Steps[0]
		if step.Method == "GET" && step.path.parts == nil && len(step.headers) == 0 &&
			!slices.Contains(paths, step.path.raw) {
			paths = append(paths, step.path.raw)
		}
	}
	return paths
}

// Host returns the host that the suite's requests name, and where it says so; without one it is empty.
// One that holds a variable is not known before a run.
func (s *Suite) Host() (string, diagnostic.Place) {
	if s.host.parts != nil {
		return "", diagnostic.Place{}
	}
	return s.host.raw, s.host.at.place(s.file)
}

// SaysHost reports whether the suite says the Host header of its requests.
func (s *Suite) SaysHost() bool { return s.host.literal() != "" }

// HostMentionsRelease reports whether ${RELEASE} stands in the host that the suite's requests name.
func (s *Suite) HostMentionsRelease() bool { return mentions(s.host, varRelease) }

// HostHeader returns the host that the suite's requests name, with its variables filled in, or "". A value
// that no header can hold is an error.
func (s *Suite) HostHeader(sc Scope) (string, error) { return s.host.header(sc) }
