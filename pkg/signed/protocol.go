package signed

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxMessage bounds what is kept of AWS's error texts, in bytes.
const maxMessage = 500

// JSON calls an operation of a service with the JSON 1.1 protocol (ECS, SSM, Secrets Manager). The
// answer is decoded into out unless out is nil.
func (c *Client) JSON(ctx context.Context, s Service, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s %s: %w", s, operation, err)
	}
	header := http.Header{
		"Content-Type": {"application/x-amz-json-1.1"},
		"X-Amz-Target": {s.target() + "." + operation},
	}
	answer, err := c.Do(ctx, Request{Service: s, Operation: operation, Method: http.MethodPost, Path: "/", Header: header, Body: body})
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", s, operation, err)
	}
	return nil
}

// Query calls an operation of a service with the query protocol (Elastic Load Balancing, EC2) and
// decodes its XML answer into out.
func (c *Client) Query(ctx context.Context, s Service, operation string, in url.Values, out any) error {
	form := url.Values{"Action": {operation}, "Version": {s.version()}}
	for name, values := range in {
		form[name] = values
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	answer, err := c.Do(ctx, Request{Service: s, Operation: operation, Method: http.MethodPost, Path: "/", Header: header, Body: []byte(form.Encode())})
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(answer.Body, out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", s, operation, err)
	}
	return nil
}

// GetObject reads an object from S3, at most MaxAnswer bytes.
func (c *Client) GetObject(ctx context.Context, bucket, key string) ([]byte, error) {
	answer, err := c.Do(ctx, Request{Service: S3, Operation: "GetObject", Method: http.MethodGet, Path: objectPath(bucket, key)})
	return answer.Body, err
}

// PutObject writes an object to S3, encrypted as the bucket's default says.
func (c *Client) PutObject(ctx context.Context, bucket, key, contentType string, body []byte) error {
	_, err := c.Do(ctx, Request{
		Service: S3, Operation: "PutObject", Method: http.MethodPut, Path: objectPath(bucket, key),
		Header: http.Header{"Content-Type": {contentType}}, Body: body,
	})
	return err
}

// objectPath addresses by path: it also works for bucket names with dots and for any endpoint.
func objectPath(bucket, key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		// SigV4 leaves only unreserved characters as they are; url.PathEscape leaves more.
		parts[i] = strings.ReplaceAll(url.QueryEscape(p), "+", "%20")
	}
	return "/" + url.PathEscape(bucket) + "/" + strings.Join(parts, "/")
}

// errorOf reads AWS's error out of an answer in whichever of the protocols it came.
func errorOf(r Request, resp *http.Response, body []byte) error {
	e := &Error{Service: r.Service, Operation: r.Operation, Status: resp.StatusCode}
	var j struct {
		Type       string `json:"__type"`
		Code       string `json:"code"`
		Message    string `json:"message"`
		MessageCap string `json:"Message"`
	}
	var x struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
		Error   struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
		Errors struct {
			Error struct {
				Code    string `xml:"Code"`
				Message string `xml:"Message"`
			} `xml:"Error"`
		} `xml:"Errors"`
	}
	switch {
	case json.Unmarshal(body, &j) == nil:
		e.Code, e.Message = first(j.Type, j.Code, resp.Header.Get("X-Amzn-Errortype")), first(j.Message, j.MessageCap)
	case xml.Unmarshal(body, &x) == nil:
		e.Code, e.Message = first(x.Code, x.Error.Code, x.Errors.Error.Code), first(x.Message, x.Error.Message, x.Errors.Error.Message)
	}
	// "com.amazon.coral.service#AccessDeniedException" and "AccessDeniedException:http://…" mean the same.
	if _, after, ok := strings.Cut(e.Code, "#"); ok {
		e.Code = after
	}
	e.Code, _, _ = strings.Cut(e.Code, ":")
	if e.Code == "" {
		e.Code = fmt.Sprintf("HTTP%d", resp.StatusCode)
	}
	e.Message = strings.ToValidUTF8(e.Message[:min(len(e.Message), maxMessage)], "")
	if e.Message == "" {
		e.Message = "no message"
	}
	return e
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
