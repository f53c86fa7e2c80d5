// Package startup is what a program does before anything else: it takes the standard logger over, through
// which libraries speak past us (net/http prints there what a server sent, a token included), and bounds a
// function's memory.
//
// It refuses to let through what any library says of an answer, and to overrule a memory limit that somebody
// set (GOMEMLIMIT). Every program that links package log begins with TakeOverLog; a test of the house holds that.
package startup

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// TakeOverLog makes the standard logger silent, but for Lambda's runtime library, which says there that a
// function failed: that goes to stderr, one JSON object a line. What the function's error says is left out,
// since it may quote anything; whoever returned it has logged it.
func TakeOverLog() {
	log.SetFlags(log.Llongfile) // the file tells who speaks
	log.SetOutput(writer{os.Stderr})
}

// memory is what the runtime of a function keeps to, in bytes, by collecting garbage more often: answers of a
// mebibyte that are read side by side would else grow past the 96 MiB that are promised, of which the program
// itself takes some 8.
const memory = 32 << 20

// LimitMemory sets the limit, once, at a function's start.
func LimitMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memory)
	}
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
	note, _ := json.Marshal(map[string]string{ // texts can be written
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "level": "error", "event": "note",
		"message": "the function failed: " + string(bytes.TrimSpace(text)),
	})
	_, err := w.out.Write(append(note, '\n'))
	return len(line), err
}
