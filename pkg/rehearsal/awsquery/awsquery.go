// Package awsquery serves AWS's query protocol: a form with Action and Version comes in, XML goes out.
// Elastic Load Balancing speaks it, and EC2 in a dialect of its own.
//
// It refuses to check signatures: whoever reaches a loopback address may call. It knows no service.
package awsquery

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxForm bounds a request.
const maxForm = 1 << 20

// Fault is an error as AWS returns it.
type Fault struct {
	// Code is AWS's name: "ListenerNotFound".
	Code    string
	Message string
}

func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// Operation answers one call. What it returns is marshalled as the result's members, in order.
type Operation func(ctx context.Context, form Form) ([]Member, error)

// Member is one member of an answer: its name, and a value for encoding/xml.
type Member struct {
	Name  string
	Value any
}

// Service is one AWS service.
type Service struct {
	// Version tells the services at one address apart: "2015-12-01".
	Version string
	// Flat is EC2's dialect: no element for the result, and errors of another shape.
	Flat       bool
	Operations map[string]Operation
}

// Form is a call's input.
type Form url.Values

// Get returns one value.
func (f Form) Get(name string) string { return url.Values(f).Get(name) }

// List returns the values of "name.member.1" and so on; EC2 leaves "member" out.
func (f Form) List(name string) []string {
	var out []string
	for _, infix := range []string{".member.", "."} {
		for i := 1; ; i++ {
			value, ok := f[name+infix+strconv.Itoa(i)]
			if !ok {
				break
			}
			out = append(out, value[0])
		}
	}
	return out
}

// Handler serves several services at one address.
type Handler struct{ Services []Service }

// ServeHTTP answers one call.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	action, id := "", requestID()
	var members []Member
	err := r.ParseForm()
	service := Service{}
	if err != nil {
		err = &Fault{"MalformedQueryString", err.Error()}
	} else {
		action = r.Form.Get("Action")
		members, service, err = h.answer(r, action)
	}
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	w.Header().Set("X-Amzn-Requestid", id)
	if err != nil {
		refuse(w, service, err, id)
		return
	}
	var body []byte
	body, err = encode(service, action, members, id)
	if err != nil {
		refuse(w, service, err, id)
		return
	}
	_, _ = w.Write(body)
}

func (h Handler) answer(r *http.Request, action string) ([]Member, Service, error) {
	version := r.Form.Get("Version")
	i := slices.IndexFunc(h.Services, func(s Service) bool { return s.Version == version })
	if i < 0 {
		return nil, Service{}, &Fault{"InvalidAction", fmt.Sprintf("The rehearsal knows no service of version %.40q.", version)}
	}
	operation, ok := h.Services[i].Operations[action]
	if !ok {
		return nil, h.Services[i], &Fault{"InvalidAction", fmt.Sprintf("The action %.80q is not valid for this web service: the rehearsal does not answer it.", action)}
	}
	members, err := operation(r.Context(), Form(r.Form))
	return members, h.Services[i], err
}

func encode(s Service, action string, members []Member, id string) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "<%sResponse>", action)
	if s.Flat {
		fmt.Fprintf(&b, "<requestId>%s</requestId>", id)
	} else {
		fmt.Fprintf(&b, "<%sResult>", action)
	}
	encoder := xml.NewEncoder(&b)
	for _, m := range members {
		if err := encoder.EncodeElement(m.Value, xml.StartElement{Name: xml.Name{Local: m.Name}}); err != nil {
			return nil, fmt.Errorf("encode %s: %w", m.Name, err)
		}
	}
	if !s.Flat {
		fmt.Fprintf(&b, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>", action, id)
	}
	fmt.Fprintf(&b, "</%sResponse>", action)
	return []byte(b.String()), nil
}

// refuse answers an error in the service's dialect.
func refuse(w http.ResponseWriter, s Service, err error, id string) {
	status := http.StatusBadRequest
	fault, ok := errors.AsType[*Fault](err)
	if !ok {
		fault, status = &Fault{"InternalFailure", err.Error()}, http.StatusInternalServerError
	}
	type inner struct {
		Type    string `xml:"Type,omitempty"`
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	var out any
	if s.Flat {
		out = struct {
			XMLName xml.Name `xml:"Response"`
			Error   inner    `xml:"Errors>Error"`
			ID      string   `xml:"RequestID"`
		}{Error: inner{Code: fault.Code, Message: fault.Message}, ID: id}
	} else {
		out = struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Error   inner    `xml:"Error"`
			ID      string   `xml:"RequestId"`
		}{Error: inner{"Sender", fault.Code, fault.Message}, ID: id}
	}
	body, err := xml.Marshal(out)
	if err != nil {
		body, status = []byte("<ErrorResponse/>"), http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
