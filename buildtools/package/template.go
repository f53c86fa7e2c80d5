package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// places is where everything will be.
type places struct {
	bucket, architecture string
	made                 []file
}

// edit is a replacement in a template's text. Comments and style of a template stay as they were written.
type edit struct {
	offset, length int
	text           string
}

// templates writes both templates with the places, and returns all that was made, with them. The order
// matters: the second template names the first one's content.
func (p places) templates(from, dist string) ([]file, error) {
	for _, name := range []string{"gate.yml", "bluegreen.yml"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return nil, err
		}
		text, err = p.placed(text)
		if err != nil {
			return nil, fmt.Errorf("rewrite %s: %w", name, err)
		}
		f, err := write(dist, name, text)
		if err != nil {
			return nil, err
		}
		p.made = append(p.made, f)
	}
	return p.made, nil
}

// placed returns the template with its local paths replaced, and with the defaults that only a package knows.
func (p places) placed(text []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	var edits []edit
	at := func(n *yaml.Node) int { return offset(text, n) }
	err := each(&root, nil, func(keys []string, column int, n *yaml.Node) error {
		beside := "\n" + strings.Repeat(" ", column-1) + "Default: "
		switch key := keys[len(keys)-1]; {
		case key == "Code" && n.Kind == yaml.ScalarNode:
			f, err := p.find(n.Value)
			edits = append(edits, edit{at(n), len(n.Value), fmt.Sprintf("{S3Bucket: %s, S3Key: %s}", p.bucket, f.key())})
			return err
		case key == "TemplateURL" && n.Kind == yaml.ScalarNode:
			f, err := p.find(n.Value)
			edits = append(edits, edit{at(n), len(n.Value), fmt.Sprintf("!Sub https://%s.s3.${AWS::URLSuffix}/%s", p.bucket, f.key())})
			return err
		case slices.Equal(keys, []string{"Parameters", "Architecture", "Default"}):
			edits = append(edits, edit{at(n), len(n.Value), p.architecture})
		case slices.Equal(keys, []string{"Parameters", "ToolsUri", "Type"}):
			f, err := p.find("buildtools-linux-amd64.tar.gz") // the processor of BuildImage
			edits = append(edits, edit{at(n), len(n.Value), fmt.Sprintf("%s%ss3://%s/%s", n.Value, beside, p.bucket, f.key())})
			return err
		case slices.Equal(keys, []string{"Parameters", "ToolsSha256", "Type"}):
			f, err := p.find("buildtools-linux-amd64.tar.gz")
			edits = append(edits, edit{at(n), len(n.Value), fmt.Sprintf("%s%s%s", n.Value, beside, f.sum)})
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.offset - a.offset })
	for _, e := range edits {
		text = slices.Concat(text[:e.offset], []byte(e.text), text[e.offset+e.length:])
	}
	return text, nil
}

// find returns the file that a template means by a path.
func (p places) find(name string) (file, error) {
	for _, f := range p.made {
		if f.name == path.Base(name) {
			return f, nil
		}
	}
	return file{}, fmt.Errorf("%q was not made", name)
}

// each visits every value of the mappings, with the keys that lead to it and the column of the last one.
func each(n *yaml.Node, keys []string, visit func(keys []string, column int, n *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			if err := each(c, keys, visit); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		to := append(slices.Clone(keys), n.Content[i].Value)
		if err := visit(to, n.Content[i].Column, n.Content[i+1]); err != nil {
			return err
		}
		if err := each(n.Content[i+1], to, visit); err != nil {
			return err
		}
	}
	return nil
}

// offset returns where a plain scalar begins in the text. The YAML reader counts columns in characters;
// what precedes a value on its line is its key, which is ASCII.
func offset(text []byte, n *yaml.Node) int {
	begin := 0
	for range n.Line - 1 {
		begin += bytes.IndexByte(text[begin:], '\n') + 1
	}
	return begin + n.Column - 1
}
