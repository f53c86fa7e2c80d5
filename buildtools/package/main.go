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
		err = pack(os.Args[1], os.Args[2], io.Discard)
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
	for _, bootstrap := range functions {
		dir := filepath.Dir(bootstrap)
		if err := pack(filepath.Join(dist, filepath.Base(dir)+".zip"), dir, stdout); err != nil {
			return err
		}
	}
	for _, dir := range processors {
		name := filepath.Join(dist, "buildtools-linux-"+filepath.Base(dir)+".tar.gz")
		if err := pack(name, dir, stdout); err != nil {
			return err
		}
	}
	return nil
}

// pack packs a folder, in the way of the archive's name, and tells the archive's checksum.
func pack(archive, dir string, stdout io.Writer) error {
	of := tarOf
	switch {
	case strings.HasSuffix(archive, ".zip"):
		of = zipOf
	case strings.HasSuffix(archive, ".tar.gz"):
		of = gzipOf
	}
	var content bytes.Buffer
	files, err := filesOf(dir)
	if err == nil {
		err = of(&content, files)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%x  %s\n", sha256.Sum256(content.Bytes()), filepath.ToSlash(archive))
	return errors.Join(err, cli.WriteFile(archive, content.Bytes()))
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

// zipOf writes a zip of files. The best compression would take three times as long for one byte in a hundred.
func zipOf(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: packed()}
		header.SetMode(fs.FileMode(f.mode))
		to, err := z.CreateHeader(header)
		if err == nil {
			_, err = to.Write(f.content)
		}
		if err != nil {
			return err
		}
	}
	return z.Close() // which writes the directory
}

// tarOf writes an archive of files, without compression.
func tarOf(w io.Writer, files []file) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		err := t.WriteHeader(&tar.Header{
			Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: packed(), Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = t.Write(f.content)
		}
		if err != nil {
			return err
		}
	}
	return t.Close()
}

// gzipOf writes it compressed.
func gzipOf(w io.Writer, files []file) error {
	g := gzip.NewWriter(w)
	return errors.Join(tarOf(g, files), g.Close())
}
