// Package sheet is what every page of ours has in common: a head whose content security policy lets
// nothing be loaded or run, a style sheet for light, dark and narrow, and text that stays text.
//
// It is written by hand and not by html/template, whose reflection would add 1.9 MB to a Lambda: text
// goes through Page.Add, and there is no other place where a value may stand. It knows no reports.
package sheet

import (
	"crypto/sha256"
	_ "embed" // the style sheet and the head
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

//go:embed style.css
var styleSheet string

//go:embed head.html
var head Markup

// Markup is what browsers read. A constant becomes it by itself, a value that came from anywhere else never does.
type Markup string

// Page collects the text of a page.
type Page struct {
	b        strings.Builder
	columns  []string // the headings of the table that was begun last
	sections []int    // the levels of those that are open
}

// Add adds markup, with a value in the place of each %v: Markup as it is, all else as a text that is no markup.
func (p *Page) Add(markup Markup, values ...any) {
	for i, v := range values {
		if _, ok := v.(Markup); !ok {
			values[i] = html.EscapeString(Line(fmt.Sprint(v)))
		}
	}
	fmt.Fprintf(&p.b, string(markup), values...)
}

// attribute is one of a tag's; without a value it has none.
func attribute(name Markup, value string) Markup {
	if value == "" {
		return ""
	}
	return " " + name + `="` + Markup(html.EscapeString(value)) + `"`
}

// Section begins a section with its heading, and ends those before it that are not above its level. Its id may be empty.
func (p *Page) Section(id string, level int, heading string) {
	p.endSections(level)
	p.sections = append(p.sections, level)
	p.Add("<section%v>\n<h%v>%v</h%v>\n", attribute("id", id), level, heading, level)
}

func (p *Page) endSections(level int) {
	for n := len(p.sections) - 1; n >= 0 && p.sections[n] >= level; n-- {
		p.Add("</section>\n")
		p.sections = p.sections[:n]
	}
}

// Article begins an article about something that was judged. Tone is the style sheet's class for the verdict.
func (p *Page) Article(level int, tone, name, verdict string) {
	p.Add("<article%v>\n<h%v>%v <span class=\"verdict\">%v</span></h%v>\n", attribute("class", tone), level, name, verdict,
		level)
}

// Table begins a table in a frame that scrolls. A heading that ends with # is that of numbers, one with ! of verdicts.
func (p *Page) Table(label, class string, headings ...string) {
	p.columns = headings
	p.Add(`<div class="scroll" tabindex="0" role="region" aria-label="%v"><table%v>`+"\n<thead><tr>", label,
		attribute("class", class))
	for _, h := range headings {
		p.Add(`<th scope="col"%v>%v</th>`, number(h), strings.TrimRight(h, "#!"))
	}
	p.Add("</tr></thead>\n<tbody>\n")
}

// number is the class of the cells of a column of numbers.
func number(heading string) Markup {
	if strings.HasSuffix(heading, "#") {
		return ` class="number"`
	}
	return ""
}

// Row adds a row to the table, with a text for each column; in a narrow window each has a line, behind its heading.
func (p *Page) Row(tone string, texts ...string) {
	p.Add("<tr%v>", attribute("class", tone))
	for i, text := range texts {
		cell := Markup("<td%v%v>%v</td>")
		if strings.HasSuffix(p.columns[i], "!") {
			cell = `<td%v%v><span class="verdict">%v</span></td>`
		}
		p.Add(cell, number(p.columns[i]), attribute("data-label", strings.TrimRight(p.columns[i], "#!")), text)
	}
	p.Add("</tr>\n")
}

// EndTable ends the table.
func (p *Page) EndTable() { p.Add("</tbody></table></div>\n") }

// Facts adds a list of names, each with its value, without those whose value is empty.
func (p *Page) Facts(facts ...string) {
	p.Add("<dl class=\"facts\">\n")
	for fact := range slices.Chunk(facts, 2) {
		if fact[1] != "" {
			p.Add("<div><dt>%v</dt><dd>%v</dd></div>\n", fact[0], fact[1])
		}
	}
	p.Add("</dl>\n")
}

// Head begins the page, up to its hero, whose tone is the style sheet's class for the verdict. Skip is the link that
// leads to the content. More is CSS that only this page needs; it is part of what the policy allows.
func (p *Page) Head(title, skip, tone, more string) {
	css := styleSheet + more
	hash := sha256.Sum256([]byte(css))
	p.Add(head, Markup(base64.StdEncoding.EncodeToString(hash[:])), title, Markup(css), skip, tone)
}

// End ends the page behind its content, and hands it on, whole.
func (p *Page) End(w io.Writer, by string) error {
	p.endSections(0)
	p.Add("</main>\n<footer>Written by %v.</footer>\n</body>\n</html>\n", by)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Line makes one line of any text: what does not print (control characters, escape codes, line breaks,
// characters that turn the direction of writing) is shown as its number.
func Line(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
