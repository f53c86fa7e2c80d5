// The package command packs what `make package` has built: each DIST/bin/functions/NAME/bootstrap becomes
// DIST/NAME.zip, each folder DIST/bin/tools/PROCESSOR an archive of the build tools. It prints their SHA-256. Or it packs
// one folder into one archive: zip, tar.gz or tar.
//
// The same binaries make the same bytes, on every machine: no times, owners or paths go in. It talks to nobody.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

func main() {
	var err error
	switch len(os.Args) {
	case 2:
		err = run(os.Args[1], os.Stdout)
	case 3:
		err = one(os.Args[1], os.Args[2])
	default:
		fmt.Fprintln(os.Stderr, "usage: package DIST | package ARCHIVE FOLDER")
		os.Exit(2)
	}
	if err != nil {
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
		dir := filepath.Dir(bootstrap)
		if err := pack(dir, filepath.Base(dir)+".zip", zipOf); err != nil {
			return err
		}
	}
	for _, dir := range processors {
		if err := pack(dir, "buildtools-linux-"+filepath.Base(dir)+".tar.gz", gzipOf); err != nil {
			return err
		}
	}
	return nil
}

// one packs a folder, in the way of the archive's name.
func one(archive, dir string) error {
	of := tarOf
	switch {
	case strings.HasSuffix(archive, ".zip"):
		of = zipOf
	case strings.HasSuffix(archive, ".tar.gz"):
		of = gzipOf
	}
	content, err := of(dir)
	if err != nil {
		return err
	}
	return cli.WriteFile(archive, content)
}

// packed is the time of everything in an archive: the first that a zip can hold.
func packed() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

// file is one of a folder's, as it goes into an archive.
type file struct {
	name    string // with slashes, below the folder
	mode    int64
	content []byte
}

// filesOf returns a folder's files, in the order of their names. Of their modes only that they are programs counts.
func filesOf(dir string) ([]file, error) {
	var all []file
	folder := os.DirFS(dir)
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		f := file{name: name, mode: 0o644}
		if info.Mode()&0o100 != 0 {
			f.mode = 0o755
		}
		f.content, err = fs.ReadFile(folder, name)
		all = append(all, f)
		return err
	})
	return all, err
}

// zipOf returns a zip with a folder's files. The best compression would take three times as long for one byte in a hundred.
func zipOf(dir string) ([]byte, error) {
	files, err := filesOf(dir)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: packed()}
		header.SetMode(fs.FileMode(f.mode))
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err = z.Close() // which writes the directory
	return buf.Bytes(), err
}

// tarOf returns an archive of a folder's files, without compression.
func tarOf(dir string) ([]byte, error) {
	files, err := filesOf(dir)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	t := tar.NewWriter(&buf)
	for _, f := range files {
		header := &tar.Header{
			Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: packed(), Format: tar.FormatUSTAR,
		}
		if err := t.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.content); err != nil {
			return nil, err
		}
	}
	err = t.Close()
	return buf.Bytes(), err
}

// gzipOf returns it compressed.
func gzipOf(dir string) ([]byte, error) {
	content, err := tarOf(dir)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	g := gzip.NewWriter(&buf)
	_, err = g.Write(content)
	err = errors.Join(err, g.Close())
	return buf.Bytes(), err
}
