package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/outfile"
)

// file is one that was made, under its name in dist.
type file struct {
	name string
	sum  string
}

// key is where it is uploaded to: by content, so that nothing that a stack refers to is ever written over.
func (f file) key() string { return path.Join("greenlight", f.sum, f.name) }

// archives packs all that was built below dist/bin, in the order of names.
func archives(dist string) ([]file, error) {
	functions, err := filepath.Glob(filepath.Join(dist, "bin", "functions", "*", "bootstrap"))
	if err != nil {
		return nil, err
	}
	processors, err := filepath.Glob(filepath.Join(dist, "bin", "tools", "*"))
	if err != nil {
		return nil, err
	}
	if len(functions) == 0 || len(processors) == 0 {
		return nil, fmt.Errorf("pack %s: nothing was built: run make package", filepath.Join(dist, "bin"))
	}
	var made []file
	add := func(name string, pack func() ([]byte, error)) error {
		content, err := pack()
		if err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
		f, err := write(dist, name, content)
		made = append(made, f)
		return err
	}
	for _, bootstrap := range functions {
		if err := add(filepath.Base(filepath.Dir(bootstrap))+".zip", func() ([]byte, error) { return zipOf(bootstrap) }); err != nil {
			return nil, err
		}
	}
	for _, dir := range processors {
		if err := add("buildtools-linux-"+filepath.Base(dir)+".tar.gz", func() ([]byte, error) { return tarOf(dir) }); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func write(dist, name string, content []byte) (file, error) {
	sum := sha256.Sum256(content)
	return file{name, hex.EncodeToString(sum[:])}, outfile.Write(filepath.Join(dist, name), content)
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
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
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
		header := &tar.Header{Name: entry.Name(), Mode: 0o755, Size: int64(len(content)), ModTime: packed(), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
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

// list prints what was made. With a bucket it also lays everything out in dist/upload as it will be in there,
// so that one call uploads it.
func list(stdout io.Writer, dist, bucket string, made []file) error {
	for _, f := range made {
		_, _ = fmt.Fprintf(stdout, "%s  %s\n", f.sum, filepath.ToSlash(filepath.Join(dist, f.name)))
		if bucket == "" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dist, f.name))
		if err != nil {
			return err
		}
		to := filepath.Join(dist, "upload", filepath.FromSlash(f.key()))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := outfile.Write(to, content); err != nil {
			return err
		}
	}
	return nil
}
