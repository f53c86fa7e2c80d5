package suite

import (
	"encoding/binary"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v4"
)

// The health of a gRPC service is asked for by the standard protocol, grpc.health.v1.Health/Check. Its two messages have
// one field each, and are written and read here: google.golang.org/grpc costs a hook 4 MB for them.
const (
	grpcHealthPath = "/grpc.health.v1.Health/Check"
	grpcFrame      = 5 // a flag and a length before each message
)

// grpcHealth reads grpc_health: trips.v1.Trips, or "" for the whole server.
func (r *reader) grpcHealth(p pair, s *Step) {
	service, _ := r.scalar(p.value, "grpc_health")
	if s.Method != "" || s.body != nil || len(service) > 127 || p.value.Kind != yaml.ScalarNode {
		s.broken = true
		r.fail(p.at, "leave request and body out", "grpc_health is a request of its own, for a service's name")
		return
	}
	message := []byte{}
	if service != "" {
		message = append([]byte{0x0a, byte(len(service))}, service...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	s.Method, s.path, s.http2, s.grpc = http.MethodPost, text{raw: grpcHealthPath, at: p.at}, true, true
	s.body = fixedBody(append(frame, message...), "application/grpc")
	s.headers = append(s.headers, header{name: "Te", value: text{raw: "trailers"}})
}

// verifyHealth holds the answer against SERVING.
func (v *Verification) verifyHealth(s *Step) {
	const serving = "SERVING"
	from, got := v.Observation.Trailer, "an answer that is no HealthCheckResponse"
	if from.Get("Grpc-Status") == "" { // an answer without a message has it in the header
		from = v.Observation.Header
	}
	if status := from.Get("Grpc-Status"); status != "0" {
		got = fmt.Sprintf("grpc-status %s %s", status, from.Get("Grpc-Message"))
	} else if body := v.Observation.Body; len(body) == grpcFrame+2 && body[grpcFrame] == 0x08 && body[grpcFrame+1] < 4 {
		got = []string{"UNKNOWN", serving, "NOT_SERVING", "SERVICE_UNKNOWN"}[body[grpcFrame+1]]
	}
	v.assert(got == serving, s.path.at, "grpc health", Mismatch{serving, got})
}
