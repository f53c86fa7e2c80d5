// The floor command is the least that a Go program must do to render a template: expand ${NAME} and
// ${NAME:-default} strictly, escape what goes into a string, parse the result, write it indented. It is
// what the renderers are measured against, and has no other use.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	expanded, err := expand(string(text))
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(expanded))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return err
	}
	out, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(out)
	return err
}

func expand(text string) ([]byte, error) {
	var out []byte
	for {
		before, rest, ok := strings.Cut(text, "${")
		if out = append(out, before...); !ok {
			return out, nil
		}
		ref, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil, errors.New("open ${")
		}
		name, fallback, optional := strings.Cut(ref, ":-")
		value, set := os.LookupEnv(name)
		switch {
		case set && value != "":
		case optional:
			value = fallback
		default:
			return nil, fmt.Errorf("%s is not set", name)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out = append(out, quoted[1:len(quoted)-1]...)
		text = after
	}
}
