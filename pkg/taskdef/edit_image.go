package taskdef

import (
	"fmt"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// image sets the image of a container, of all, or of the one that an --image without a name means.
func (e *editor) image(flag, arg string) {
	// A URI holds no =, so what stands before one is a name.
	name, uri, named := strings.Cut(arg, "=")
	var set []*template.Node
	switch {
	case named && name == "*":
		set = e.containers()
	case named:
		set = append(set, e.mustName(flag, name))
	default:
		set, uri = append(set, e.unnamedImage()), arg
	}
	for _, c := range set {
		if c != nil {
			e.setImage(flag, c, uri)
		}
	}
}

func (e *editor) setImage(flag string, c *template.Node, uri string) {
	n := e.text(flag, uri)
	c.Set("image", n.At, n)
}

// unnamedImage returns the container that an --image without a name means: the only one, or the only one
// whose image holds a placeholder.
func (e *editor) unnamedImage() *template.Node {
	all := e.containers()
	if len(all) == 1 {
		return all[0]
	}
	var open []*template.Node
	for _, c := range all {
		image := c.Get("image")
		if image != nil && (image.Origin != nil || strings.ContainsAny(image.Text, "<$")) {
			open = append(open, c)
		}
	}
	if len(open) == 1 {
		return open[0]
	}
	text := "which container? none of them has an image with a placeholder"
	if len(open) > 1 {
		text = fmt.Sprintf("which container? %d of them have an image with a placeholder", len(open))
	}
	e.usage("--image", text, "write --image CONTAINER=URI, or *=URI for all; "+e.nameHelp(""))
	return nil
}

// placeholderFlag is the flag that leaves an image to CodePipeline.
const placeholderFlag = "--image-placeholder"

// placeholders puts <IMAGEn_NAME> where CodePipeline is to put an image, and returns the image for imageDetail.json.
func (e *editor) placeholders(edits Edits) string {
	const flag = placeholderFlag
	uri := ""
	numbers := map[string]bool{}
	var held []*template.Node
	for _, arg := range edits.ImagePlaceholders {
		if !e.wellFormed(flag, arg) {
			continue
		}
		number, name, _ := strings.Cut(arg, "=")
		if numbers[number] {
			e.usage(flag, "number "+number+" is given twice", "")
			continue
		}
		numbers[number] = true
		c := e.mustName(flag, name)
		if c == nil {
			continue
		}
		if slices.Contains(held, c) {
			e.usage(flag, "container "+template.Quote(name)+" is given twice", "")
			continue
		}
		if image := c.Get("image"); edits.WantImage && image != nil {
			e.checkDetail(e.exp.Node(image))
			uri = image.Str()
		}
		e.setImage(flag, c, "<IMAGE"+number+"_NAME>")
		held = append(held, c)
	}
	switch {
	case !edits.WantImage:
	case len(held) > 1:
		e.usage("--image-detail", "holds one image, but there are several --image-placeholder", "run once for each image")
	case len(held) == 1 && uri == "":
		e.usage("--image-detail", "the container of the placeholder has no image", "give it: --image CONTAINER=URI")
	case len(edits.ImagePlaceholders) > 0:
	case len(edits.Images) == 1:
		uri = edits.Images[0][strings.IndexByte(edits.Images[0], '=')+1:]
	default:
		e.usage("--image-detail", "which image?", "give one --image URI, or --image-placeholder 1=CONTAINER")
	}
	return uri
}

// checkDetail applies the image rules to an image that leaves the document for imageDetail.json.
func (e *editor) checkDetail(image *template.Node) {
	if fault, help := imageFault(image.Str()); fault != "" && !image.Unknown() {
		e.usage("--image-detail", "the image of the placeholder's container "+fault, help)
	}
}
