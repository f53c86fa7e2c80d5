package taskdef

import (
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func image(c *checker, container *template.Node) {
	n := container.Get("image")
	switch {
	case n == nil:
		c.fail(container, "container "+name(container)+" has no image",
			"give it one, or --image "+container.Get("name").Label()+"=URI")
		return
	case n.Kind != template.String:
		return
	}
	if slices.Contains(strings.Fields("<IMAGE1_NAME> <IMAGE2_NAME> <IMAGE3_NAME> <IMAGE4_NAME>"), n.Text) {
		if c.doc.Place(n.At).Flag != placeholderFlag { // no flag asked for this placeholder
			c.fail(n, "the image is the placeholder "+n.Show(),
				"give --image, or --image-placeholder N=CONTAINER when CodePipeline puts it in")
		}
		return
	}
	if fault, help := imageFault(n.Text); fault != "" {
		subject := "image " + n.Show()
		if n.At < 0 {
			subject = "the image given for container " + name(container)
		}
		c.fail(n, subject+" "+fault, help)
	}
}

// imageFault says what is wrong with an image reference, without showing it: it may be a variable's value.
// ECS takes NAME[:TAG] up to 255 characters, or NAME@sha256:DIGEST.
func imageFault(s string) (fault, help string) {
	at := strings.IndexByte(s, '@')
	repository, digest, _ := strings.Cut(s, "@")
	digest, sha256 := strings.CutPrefix(digest, "sha256:")
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty", "the variable behind it is empty, or the build pushed nothing"
	case isForeign(s):
		return "still holds a placeholder", foreignHelp(s)
	case strings.ContainsAny(s, " \t\r\n"):
		return "has white space in it", ""
	case strings.Contains(s, "$"):
		return "still holds a $", "a variable was not put in; check --only and the single quotes of the shell"
	case strings.ContainsAny(s, "<>"):
		return "still holds a placeholder in < >", ""
	case strings.Contains(s, "://"):
		return "has a scheme", "an image is REGISTRY/NAME:TAG, without https://"
	case at == 0:
		return "has a digest, but no name", "the repository's variable is empty"
	case at > 0 && (!sha256 || len(digest) != 64 || !consists(digest, digits+"abcdef")):
		return "has a digest that is not sha256: and 64 hexadecimal digits", ""
	case len(repository) > 255:
		return "is longer than 255 characters", ""
	}
	return nameFault(repository)
}

func nameFault(repository string) (fault, help string) {
	if !consists(repository, alphanumeric+"-_:./#") {
		return "has a character that an image may not have", "letters, digits and - _ : . / # are allowed"
	}
	path := repository
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		path = path[i+1:]
	}
	base, tag, tagged := strings.Cut(path, ":")
	switch {
	case base == "" && tagged:
		return "has a tag, but no name", "the repository's variable is empty"
	case tagged && tag == "":
		return "ends with a colon: the tag is empty", "the tag's variable is empty"
	case base == "":
		return "has no name after the last /", "the repository's variable is empty"
	case strings.Contains(tag, ":"):
		return "has two tags", "one of them came with a variable"
	case strings.HasPrefix(repository, "/"), strings.HasPrefix(repository, ":"), strings.Contains(repository, "//"):
		return "has an empty part", "the registry's variable is empty"
	}
	return "", ""
}

// labels warns of a release or a suite that the hooks would not see.
func labels(c *checker) {
	reached := Reached(c.containers, c.target, nil)
	help := "the hooks read the labels of the container behind the load balancer only, which is " + name(reached) + ": "
	for _, key := range []string{ReleaseLabel, SuiteLabel} {
		read := reached.Get("dockerLabels").Get(key)
		for _, container := range c.containers {
			unread := container.Get("dockerLabels").Get(key)
			switch {
			case unread == nil || read.Unknown():
			case read == nil:
				c.warn(unread, "container "+name(container)+" has the label "+key+", and "+name(reached)+" has not",
					help+"move it there")
			case read.Text != unread.Text:
				c.warn(unread, "container "+name(container)+" has another "+key+" than "+name(reached), help+"remove this one")
			}
		}
	}
}
