// Package sheet is what every page of ours has in common: a head whose content security policy lets
// nothing be loaded or run, a style sheet for light, dark and narrow, and text that stays text.
//
// It is written by hand and not by html/template, whose reflection would add 1.9 MB to a Lambda: text
// goes through Page.Text, and there is no other place where a value may stand. It knows no reports.
package sheet

import (
	"crypto/sha256"
	_ "embed" // the style sheet
	"encoding/base64"
	"html"
	"io"
	"strings"
)

//go:embed style.css
var styleSheet string

// Page collects the text of a page.
type Page struct{ b strings.Builder }

// Raw adds markup. It takes constants only, never a value that came from anywhere else.
func (p *Page) Raw(markup string) { p.b.WriteString(markup) }

// Text adds a text, in which nothing is markup.
func (p *Page) Text(s string) { p.b.WriteString(html.EscapeString(Line(s))) }

// El adds an element with a text in it. Tag and class are constants, or of a known few.
func (p *Page) El(tag, class, text string) {
	p.Raw("<" + tag)
	if class != "" {
		p.Raw(` class="` + class + `"`)
	}
	p.Raw(">")
	p.Text(text)
	p.Raw("</" + tag + ">")
}

// Fact adds a row to a list of facts (dl), unless its value is empty.
func (p *Page) Fact(name, value string) {
	if value != "" {
		p.Raw("<div>")
		p.El("dt", "", name)
		p.El("dd", "", value)
		p.Raw("</div>\n")
	}
}

// Head begins the page. More is CSS that belongs to what the page shows; it is part of what the policy allows.
func (p *Page) Head(title, more string) {
	css := styleSheet + more
	hash := sha256.Sum256([]byte(css))
	p.Raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	p.Raw(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-` +
		base64.StdEncoding.EncodeToString(hash[:]) + `'; base-uri 'none'; form-action 'none'">` + "\n")
	p.Raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" " +
		"content=\"no-referrer\">\n")
	p.Raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
	p.El("title", "", title)
	p.Raw("\n<style>" + css + "</style>\n</head>\n")
}

// Write hands the page on, whole.
func (p *Page) Write(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}
