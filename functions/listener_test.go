package functions_test

import (
	"net"
	"os"
)

// listenerOf makes a listener of a socket, which it takes over.
func listenerOf(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "late listener")
	defer f.Close() //nolint:errcheck // FileListener has its own copy
	return net.FileListener(f)
}
