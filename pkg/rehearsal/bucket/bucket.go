// Package bucket stands in for Amazon S3, as far as a hook uses it: it keeps objects in memory and
// answers GetObject, HeadObject and PutObject, addressed by path.
//
// It refuses to list, to delete and to grow: a rehearsal's reports and suites fit into a few megabytes.
package bucket

import (
	"bufio"
	"bytes"
	"crypto/md5" //nolint:gosec // an ETag is an MD5 sum; it protects nothing
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxObject bounds one object, maxTotal all of them, in bytes.
	maxObject = 16 << 20
	maxTotal  = 128 << 20
)

type object struct {
	contentType string
	body        []byte
	at          time.Time
}

// Store holds objects. Every bucket exists. The zero value is empty and ready.
type Store struct {
	mu      sync.Mutex
	objects map[string]object
	total   int
}

// Put stores an object; key is "bucket/key".
func (s *Store) Put(key, contentType string, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string]object{}
	}
	total := s.total - len(s.objects[key].body) + len(body)
	if total > maxTotal {
		return false
	}
	s.total = total
	s.objects[key] = object{contentType, body, time.Now()}
	return true
}

// Get returns an object's body.
func (s *Store) Get(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	return o.body, ok
}

// ServeHTTP answers one call.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	bucket, key, _ := strings.Cut(name, "/")
	switch {
	case bucket == "" || key == "":
		refuse(w, r, http.StatusNotImplemented, "NotImplemented", "The rehearsal's S3 has objects, and nothing else.")
	case r.Method == http.MethodPut:
		s.put(w, r, name)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.get(w, r, name)
	default:
		refuse(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
}

func (s *Store) get(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	o, ok := s.objects[name]
	s.mu.Unlock()
	if !ok {
		refuse(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	w.Header().Set("Content-Type", o.contentType)
	w.Header().Set("Etag", etag(o.body))
	http.ServeContent(w, r, "", o.at, bytes.NewReader(o.body))
}

func (s *Store) put(w http.ResponseWriter, r *http.Request, name string) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, 2*maxObject)
	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		body = &chunks{from: bufio.NewReader(body)}
	}
	data, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	switch {
	case err != nil:
		refuse(w, r, http.StatusBadRequest, "IncompleteBody", err.Error())
	case len(data) > maxObject:
		refuse(w, r, http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	case !s.Put(name, r.Header.Get("Content-Type"), data):
		refuse(w, r, http.StatusServiceUnavailable, "ServiceUnavailable", "The rehearsal's S3 is full.")
	default:
		w.Header().Set("Etag", etag(data))
	}
}

func etag(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // as above
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	body, err := xml.Marshal(struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string   `xml:"Code"`
		Message  string   `xml:"Message"`
		Resource string   `xml:"Resource"`
	}{Code: code, Message: message, Resource: r.URL.Path})
	if err == nil {
		_, _ = w.Write(body)
	}
}

// chunks reads "aws-chunked", in which newer SDKs send a body with its checksum behind it: a line with
// the length in hex (and a signature), the bytes, and at the end an empty chunk and trailers.
type chunks struct {
	from *bufio.Reader
	left int64
	end  bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.end {
		return 0, io.EOF
	}
	if c.left == 0 {
		line, err := c.from.ReadString('\n')
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		length, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		if length == "" { // the end of the chunk before
			return 0, nil
		}
		if c.left, err = strconv.ParseInt(length, 16, 64); err != nil || c.left < 0 {
			return 0, errors.New("a chunk has no length")
		}
		if c.left == 0 {
			c.end = true
			_, _ = io.Copy(io.Discard, c.from) // trailers
			return 0, io.EOF
		}
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
