//go:build ignore

// It prints the roots that certificates are checked by, for an image that has none: those of Mozilla, which the module
// pins. go run -modfile=buildtools/release.mod buildtools/package/roots.go
package main

import (
	"encoding/pem"
	"fmt"
	"os"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func main() {
	for root := range bundle.Roots() {
		if root.Constraint != nil { // a file of roots cannot say it
			continue
		}
		if err := pem.Encode(os.Stdout, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			fmt.Fprintln(os.Stderr, "roots:", err)
			os.Exit(1)
		}
	}
}
