// The package command packs what `make package` has built: each DIST/bin/functions/NAME/bootstrap becomes
// DIST/NAME.zip, each folder DIST/bin/tools/PROCESSOR an archive of the build tools. It prints their SHA-256.
//
// The same binaries make the same bytes, on every machine: no times, owners or paths go in. It talks to nobody.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: package DIST")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// run packs all that was built, in the order of names.
func run(dist string, stdout io.Writer) error {
	functions, _ := filepath.Glob(filepath.Join(dist, "bin", "functions", "*", "bootstrap")) // the pattern is good
	processors, _ := filepath.Glob(filepath.Join(dist, "bin", "tools", "*"))
	if len(functions) == 0 || len(processors) == 0 {
		return fmt.Errorf("pack %s: nothing was built: run make package", filepath.Join(dist, "bin"))
	}
	pack := func(from, name string, archive func(string) ([]byte, error)) error {
		content, err := archive(from)
		if err != nil {
			return err
		}
		name = filepath.Join(dist, name)
		_, err = fmt.Fprintf(stdout, "%x  %s\n", sha256.Sum256(content), filepath.ToSlash(name))
		return errors.Join(err, cli.WriteFile(name, content))
	}
	for _, bootstrap := range functions {
		if err := pack(bootstrap, filepath.Base(filepath.Dir(bootstrap))+".zip", zipOf); err != nil {
			return err
		}
	}
	for _, dir := range processors {
		if err := pack(dir, "buildtools-linux-"+filepath.Base(dir)+".tar.gz", tarOf); err != nil {
			return err
		}
	}
	return nil
}

// packed is the time of everything in an archive: the first that a zip can hold.
func packed() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

// zipOf returns a zip with the one file.
func zipOf(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: filepath.Base(name), Method: zip.Deflate, Modified: packed()}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(content)
	err = errors.Join(err, z.Close()) // which writes the directory
	return buf.Bytes(), err
}

// tarOf returns an archive of a folder's files, in the order of their names.
func tarOf(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	g, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(g)
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		header := &tar.Header{
			Name: entry.Name(), Mode: 0o755, Size: int64(len(content)), ModTime: packed(), Format: tar.FormatUSTAR,
		}
		if err := t.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := t.Write(content); err != nil {
			return nil, err
		}
	}
	err = errors.Join(t.Close(), g.Close())
	return buf.Bytes(), err
}
