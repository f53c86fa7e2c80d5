package probe

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Readable reports whether the body of an answer with this header is text as the application wrote it:
// plain, or gzip, which has been unzipped. A body in any other encoding is never looked into.
func Readable(h http.Header) bool {
	e := encoding(h)
	return e == "" || e == "identity" || zipped(e)
}

func encoding(h http.Header) string { return strings.ToLower(strings.Join(h["Content-Encoding"], ",")) }

func zipped(encoding string) bool { return encoding == "gzip" || encoding == "x-gzip" }

// plain returns the response's body without the gzip around it.
func plain(resp *http.Response) io.Reader {
	if zipped(encoding(resp.Header)) {
		return &unzipper{body: resp.Body}
	}
	return resp.Body
}

// unzipper starts to unzip at the first read: an answer to HEAD has the header and no body.
type unzipper struct {
	body io.Reader
	gz   *gzip.Reader
}

func (u *unzipper) Read(p []byte) (int, error) {
	if u.gz == nil {
		body := bufio.NewReaderSize(u.body, bufferSize)
		if _, err := body.Peek(1); err != nil {
			return 0, err
		}
		gz, err := gzip.NewReader(body)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
		u.gz = gz
	}
	return u.gz.Read(p)
}
