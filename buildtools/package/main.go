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
	"cmp"
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
func pack(archive, dir string, stdout io.Writer) (err error) {
	var content bytes.Buffer
	switch {
	case strings.HasSuffix(archive, ".zip"):
		err = zipOf(&content, dir)
	case strings.HasSuffix(archive, ".tar.gz"):
		g := gzip.NewWriter(&content)
		err = cmp.Or(tarOf(g, dir), g.Close())
	default:
		err = tarOf(&content, dir)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%x  %s\n", sha256.Sum256(content.Bytes()), filepath.ToSlash(archive))
	return errors.Join(err, cli.WriteFile(archive, content.Bytes()))
}

// packed is the time of everything in an archive: the first that a zip can hold.
func packed() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

// each hands on a folder's files, in the order of their names, which have slashes. Of their modes only that they are
// programs counts.
func each(dir string, add func(name string, mode fs.FileMode, content []byte) error) error {
	folder := os.DirFS(dir)
	return fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o100 != 0 {
			return add(name, 0o755, content)
		}
		return add(name, 0o644, content)
	})
}

// zipOf writes a zip of a folder. The best compression would take three times as long for one byte in a hundred.
func zipOf(w io.Writer, dir string) error {
	z := zip.NewWriter(w)
	err := each(dir, func(name string, mode fs.FileMode, content []byte) error {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: packed()}
		header.SetMode(mode)
		to, err := z.CreateHeader(header)
		if err == nil {
			_, err = to.Write(content)
		}
		return err
	})
	return cmp.Or(err, z.Close()) // which writes the directory
}

// tarOf writes an archive of a folder, without compression.
func tarOf(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	err := each(dir, func(name string, mode fs.FileMode, content []byte) error {
		err := t.WriteHeader(&tar.Header{
			Name: name, Mode: int64(mode), Size: int64(len(content)), ModTime: packed(), Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = t.Write(content)
		}
		return err
	})
	return cmp.Or(err, t.Close())
}
