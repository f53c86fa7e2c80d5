package builtin

import (
	"context"
	"fmt"
	"io"
)

// Main is a built-in release as a process: args are its name and the Store's base URL. It returns the
// exit status.
func Main(ctx context.Context, args []string, o Options, stderr io.Writer) int {
	if len(args) != 2 {
		_, _ = fmt.Fprintln(stderr, "a built-in release is started by rehearse alone")
		return 2
	}
	r, ok := Find(args[0])
	if !ok {
		_, _ = fmt.Fprintf(stderr, "no built-in release %q\n", args[0])
		return 2
	}
	o.Store = args[1]
	if err := r.Serve(ctx, o); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
