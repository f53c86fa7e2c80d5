package aws

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // an ETag is an MD5 sum; it protects nothing
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxObject bounds one object, maxTotal all of them, in bytes.
	maxObject = 16 << 20
	maxTotal  = 128 << 20
)

type stored struct {
	contentType string
	body        []byte
	at          time.Time
}

// Objects are what Amazon S3 keeps, addressed by path, in memory. Every bucket exists; nothing is listed. The zero
// value is empty and ready.
type Objects struct {
	mu      sync.Mutex
	objects map[string]stored
}

// Put stores an object; key is "bucket/key". It returns false when all of them would take too much memory.
func (o *Objects) Put(key, contentType string, body []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	total := len(body) - len(o.objects[key].body)
	for _, kept := range o.objects {
		total += len(kept.body)
	}
	if total <= maxTotal {
		put(&o.objects, key, stored{contentType, body, time.Now()})
	}
	return total <= maxTotal
}

// Delete takes an object away.
func (o *Objects) Delete(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.objects, key)
}

// Get returns an object's body.
func (o *Objects) Get(key string) ([]byte, bool) {
	found, ok := o.get(key)
	return found.body, ok
}

func (o *Objects) get(key string) (stored, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.objects[key]
	return found, ok
}

func (s *Server) answerS3(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, "/")
	bucket, key, _ := strings.Cut(name, "/")
	switch {
	case bucket == "" || key == "":
		return &Fault{"NotImplemented", "The rehearsal's S3 has objects, and nothing else.", http.StatusNotImplemented}
	case r.Method == http.MethodPut:
		return s.Objects.putObject(w, r, name)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		found, ok := s.Objects.get(name)
		if !ok {
			return &Fault{"NoSuchKey", "The specified key does not exist.", http.StatusNotFound}
		}
		w.Header().Set("Content-Type", found.contentType)
		w.Header().Set("Etag", etag(found.body))
		http.ServeContent(w, r, "", found.at, bytes.NewReader(found.body))
		return nil
	}
	const text = "The specified method is not allowed against this resource."
	return &Fault{"MethodNotAllowed", text, http.StatusMethodNotAllowed}
}

func (o *Objects) putObject(w http.ResponseWriter, r *http.Request, name string) error {
	var body io.Reader = http.MaxBytesReader(w, r.Body, 2*maxObject)
	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		// Newer SDKs send a body with its checksum behind it: HTTP's own chunks, each with a signature, and trailers.
		body = httputil.NewChunkedReader(body)
	}
	data, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	switch {
	case err != nil:
		return fault("IncompleteBody", "%v", err)
	case len(data) > maxObject:
		return fault("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	case !o.Put(name, r.Header.Get("Content-Type"), data):
		return &Fault{"ServiceUnavailable", "The rehearsal's S3 is full.", http.StatusServiceUnavailable}
	}
	w.Header().Set("Etag", etag(data))
	return nil
}

func etag(body []byte) string {
	return fmt.Sprintf(`"%x"`, md5.Sum(body)) //nolint:gosec // as above
}

// The prefixes of the two services in X-Amz-Target.
const (
	SecretsManager = "secretsmanager"
	SSM            = "AmazonSSM"
)

// Values are what Secrets Manager and the SSM Parameter Store answer, by a secret's or a parameter's name or
// ARN. What was neither given nor put is not found, as AWS says it. The zero value is empty and ready.
type Values struct{ values, missed sync.Map }

// Put gives a reference its value.
func (v *Values) Put(reference, value string) { v.values.Store(reference, value) }

// Delete takes a reference's value away.
func (v *Values) Delete(reference string) { v.values.Delete(reference) }

// Get returns a reference's value.
func (v *Values) Get(reference string) (string, bool) {
	value, ok := v.values.Load(reference)
	text, _ := value.(string)
	return text, ok
}

// Missed returns the references that were asked for and had no value, each once, sorted.
func (v *Values) Missed() (missed []string) {
	for reference := range v.missed.Range {
		missed = append(missed, reference.(string)) //nolint:forcetypeassert // find stores nothing else
	}
	slices.Sort(missed)
	return missed
}

// find looks a call's reference up and remembers one that has no value.
func (v *Values) find(reference string) (string, bool) {
	value, ok := v.Get(reference)
	if !ok {
		v.missed.Store(reference, true)
	}
	return value, ok
}

// valueInput is what these operations take in all.
type valueInput struct {
	SecretID, Name, Value string
	Overwrite             bool
}

func (v *Values) getSecret(in valueInput) (any, error) {
	value, ok := v.find(in.SecretID)
	if !ok {
		return nil, fault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return object{"ARN": in.SecretID, "Name": in.SecretID, "SecretString": value}, nil
}

func (v *Values) getParameter(in valueInput) (any, error) {
	value, ok := v.find(in.Name)
	if !ok {
		return nil, fault("ParameterNotFound", "%s", cmp.Or(in.Name, "no name"))
	}
	return object{"Parameter": object{"Name": in.Name, "Type": "SecureString", "Value": value, "Version": 1}}, nil
}

func (v *Values) putParameter(in valueInput) (any, error) {
	if _, there := v.Get(in.Name); there && !in.Overwrite {
		return nil, fault("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the "+
			"overwrite option in the request to true.")
	}
	v.Put(in.Name, in.Value)
	return object{"Version": 1, "Tier": "Standard"}, nil
}
