// Package awsjson serves AWS's JSON 1.1 protocol: one POST endpoint, the operation in X-Amz-Target,
// errors as {"__type", "message"}. The SDKs and the aws command line talk to it unchanged.
//
// It refuses to check signatures: whoever reaches a loopback address may call. It knows no service.
package awsjson

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds a request; the largest real one (an AppSpec as a string) has some kilobytes.
const maxBody = 1 << 20

// Fault is an error as AWS returns it.
type Fault struct {
	// Type is AWS's name: "DeploymentDoesNotExistException".
	Type    string
	Message string
	// Status is the HTTP status; zero means 400, what AWS uses for what the caller did wrong.
	Status int
}

func (f *Fault) Error() string { return f.Type + ": " + f.Message }

// Operation answers one call. The input is the request's body; the result becomes the response's.
// An error that is no *Fault becomes InternalFailure.
type Operation func(ctx context.Context, input []byte) (any, error)

// Typed returns the Operation that decodes its input for f. Members that I does not know are ignored, as AWS does.
func Typed[I, O any](f func(ctx context.Context, in I) (O, error)) Operation {
	return func(ctx context.Context, input []byte) (any, error) {
		var in I
		if len(input) > 0 {
			if err := json.Unmarshal(input, &in); err != nil {
				return nil, &Fault{Type: "SerializationException", Message: err.Error()}
			}
		}
		return f(ctx, in)
	}
}

// Service is one AWS service: the prefix of its targets ("CodeDeploy_20141006") and its operations.
type Service struct {
	Target     string
	Operations map[string]Operation
}

// Call is one answered call, for whoever keeps a log.
type Call struct {
	At        time.Time
	Operation string
	// Fault is the name of the error that was answered, or empty.
	Fault string
}

// Handler serves several services at one address.
type Handler struct {
	Services []Service
	// Calls, when set, is told of every call after it was answered.
	Calls func(Call)
}

// ServeHTTP answers one call.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	out, err := h.answer(r, target)
	call := Call{At: time.Now(), Operation: target}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", requestID())
	status := http.StatusOK
	if err != nil {
		fault, ok := errors.AsType[*Fault](err)
		if !ok {
			fault = &Fault{Type: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
		}
		call.Fault, status = fault.Type, fault.Status
		if status == 0 {
			status = http.StatusBadRequest
		}
		out = map[string]string{"__type": fault.Type, "message": fault.Message}
	}
	body, err := json.Marshal(out)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
	if h.Calls != nil {
		h.Calls(call)
	}
}

func (h Handler) answer(r *http.Request, target string) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, &Fault{Type: "SerializationException", Message: err.Error()}
	case len(body) > maxBody:
		return nil, &Fault{Type: "SerializationException", Message: fmt.Sprintf("request is larger than %d bytes", maxBody), Status: http.StatusRequestEntityTooLarge}
	case target == "":
		return nil, &Fault{Type: "MissingAuthenticationTokenException", Message: "Missing Authentication Token", Status: http.StatusForbidden}
	}
	service, name, _ := strings.Cut(target, ".")
	for _, s := range h.Services {
		if operation, ok := s.Operations[name]; ok && s.Target == service && r.Method == http.MethodPost {
			return operation(r.Context(), body)
		}
	}
	return nil, &Fault{Type: "UnknownOperationException", Message: fmt.Sprintf("the rehearsal does not answer %.80q", target)}
}

// Time is a timestamp as JSON 1.1 writes it: seconds since 1970 with milliseconds. The zero Time is null.
type Time time.Time

// MarshalJSON writes the timestamp.
func (t Time) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	ms := time.Time(t).UnixMilli()
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

// requestID has the shape of AWS's: a UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
