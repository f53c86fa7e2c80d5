package awsclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxMessage bounds what is kept of AWS's error texts, in bytes.
const maxMessage = 500

// Error returns an error of the SDK's clients as one sentence: "ecs DescribeServices: AccessDeniedException: not
// authorized". It wraps the SDK's, and returns any other error as it is.
func Error(err error) error {
	op, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return err
	}
	service := strings.NewReplacer(" v2", "", " ", "").Replace(strings.ToLower(op.Service()))
	return &callError{text: service + " " + op.Operation() + ": " + reason(op.Err), sdk: err}
}

// IsCode reports whether err is AWS's answer with one of the codes.
func IsCode(err error, codes ...string) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	for _, c := range codes {
		if ok && answer.ErrorCode() == c {
			return true
		}
	}
	return false
}

// Unclear reports whether a call that ended with err may have been carried out all the same: it was sent, and no answer
// says that nothing was done.
func Unclear(err error) bool {
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && resp.HTTPStatusCode() > 0 {
		status := resp.HTTPStatusCode()
		return status < http.StatusBadRequest || status >= http.StatusInternalServerError
	}
	_, sent := errors.AsType[*smithyhttp.RequestSendError](err)
	return sent || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

type callError struct {
	text string
	sdk  error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.sdk }

// reason is what went wrong, without the SDK's account of the layers that it went through.
func reason(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok && answer.ErrorCode() != "UnknownError" {
		return answer.ErrorCode() + ": " + message(answer.ErrorMessage())
	}
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok &&
		resp.HTTPStatusCode() >= http.StatusMultipleChoices {
		text := ""
		if answer, ok := errors.AsType[smithy.APIError](err); ok && answer.ErrorMessage() != answer.ErrorCode() {
			text = answer.ErrorMessage()
		}
		return fmt.Sprintf("HTTP%d: %s", resp.HTTPStatusCode(), message(text))
	}
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return sent.Err.Error()
	}
	if answer, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return "read the answer: " + message(answer.Err.Error())
	}
	for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, ended) {
			return ended.Error()
		}
	}
	return err.Error()
}

func message(text string) string {
	if text == "" {
		return "no message"
	}
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}
