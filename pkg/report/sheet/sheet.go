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
	"strconv"
	"strings"
)

//go:embed style.css
var styleSheet string

// Page collects the text of a page.
type Page struct {
	b strings.Builder
	// columns are the headings of the table that was begun last.
	columns []string
}

// Raw adds markup. It takes constants only, never a value that came from anywhere else.
func (p *Page) Raw(markup string) { p.b.WriteString(markup) }

// Text adds a text, in which nothing is markup.
func (p *Page) Text(s string) { p.b.WriteString(html.EscapeString(Line(s))) }

// El adds an element with a text in it. Tag and class are constants, or of a known few.
func (p *Page) El(tag, class, text string) {
	p.open(tag, class)
	p.Text(text)
	p.Raw("</" + tag + ">")
}

func (p *Page) open(tag, class string) {
	p.Raw("<" + tag)
	if class != "" {
		p.Raw(` class="` + class + `"`)
	}
	p.Raw(">")
}

// Section begins a section with its heading. Its id is a constant, or empty.
func (p *Page) Section(id string, level int, heading string) {
	p.Raw("<section")
	if id != "" {
		p.Raw(` id="` + id + `"`)
	}
	p.Raw(">\n")
	p.El("h"+strconv.Itoa(level), "", heading)
	p.Raw("\n")
}

// Article begins an article about something that was judged. Tone is the style sheet's class for the verdict.
func (p *Page) Article(level int, tone, name, verdict string) {
	p.open("article", tone)
	p.Raw("\n<h" + strconv.Itoa(level) + ">")
	p.Text(name)
	p.Raw(" ")
	p.El("span", "verdict", verdict)
	p.Raw("</h" + strconv.Itoa(level) + ">\n")
}

// Table begins a table in a frame that scrolls. A heading that ends with # is that of a column of numbers, one that ends
// with ! of verdicts; class and headings are constants.
func (p *Page) Table(label, class string, headings ...string) {
	p.columns = headings
	p.Raw(`<div class="scroll" tabindex="0" role="region" aria-label="`)
	p.Text(label)
	p.Raw(`">`)
	p.open("table", class)
	p.Raw("\n<thead><tr>")
	for _, h := range headings {
		class := ""
		if strings.HasSuffix(h, "#") {
			class = ` class="number"`
		}
		p.Raw(`<th scope="col"` + class + ">" + strings.TrimRight(h, "#!") + "</th>")
	}
	p.Raw("</tr></thead>\n<tbody>\n")
}

// Row adds a row to the table, with a text for each column.
func (p *Page) Row(tone string, texts ...string) {
	p.open("tr", tone)
	for i, text := range texts {
		switch {
		case strings.HasSuffix(p.columns[i], "#"):
			p.El("td", "number", text)
		case strings.HasSuffix(p.columns[i], "!"):
			p.Raw("<td>")
			p.El("span", "verdict", text)
			p.Raw("</td>")
		default:
			p.El("td", "", text)
		}
	}
	p.Raw("</tr>\n")
}

// EndTable ends the table.
func (p *Page) EndTable() { p.Raw("</tbody></table></div>\n") }

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
