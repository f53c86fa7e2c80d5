// Package stdlog takes the standard logger over, through which libraries speak past us: net/http prints
// there what a server sent, a token included.
//
// It refuses to let through what any library says of an answer. Every program that links package log
// begins with TakeOver; a test of the house holds that.
package stdlog

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"os"
	"strings"
	"time"
)

// TakeOver makes the standard logger silent, but for Lambda's runtime library, which says there that a
// function failed: that goes to stderr, one JSON object a line. What the function's error says is left out,
// since it may quote anything; whoever returned it has logged it.
func TakeOver() {
	log.SetFlags(log.Llongfile) // the file tells who speaks
	log.SetOutput(writer{os.Stderr})
}

type writer struct{ out io.Writer }

// Write takes one line of the standard logger, "FILE:LINE: TEXT".
func (w writer) Write(line []byte) (int, error) {
	file, text, _ := bytes.Cut(line, []byte(": "))
	if !strings.Contains(string(file), "/aws-lambda-go") {
		return len(line), nil
	}
	var failure map[string]json.RawMessage
	if json.Unmarshal(text, &failure) == nil {
		delete(failure, "errorMessage")
		text, _ = json.Marshal(failure) // what was read can be written
	}
	note, err := json.Marshal(map[string]string{
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "level": "error", "event": "note",
		"message": "the function failed: " + string(bytes.TrimSpace(text)),
	})
	if err != nil {
		return 0, err
	}
	if _, err := w.out.Write(append(note, '\n')); err != nil {
		return 0, err
	}
	return len(line), nil
}
