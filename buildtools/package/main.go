// The package command turns built binaries into what AWS takes: a zip for each function, an archive of
// the build tools for each processor, and the two templates with the places of all of them. The same
// binaries make the same bytes, on every machine.
//
// It talks to nobody: `make package` builds before it and uploads after it.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/greenlight-ecs/greenlight/pkg/command"
)

func main() {
	switch err := run(os.Args[1:], os.Stdout); {
	case err == nil, errors.Is(err, command.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}
