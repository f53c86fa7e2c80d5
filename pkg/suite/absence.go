package suite

import (
	"regexp"
	"strings"
)

// checkAbsence refuses an expectation that holds where its path finds nothing, when the path asks for the
// .length of a value: no list and no text has such a member, so it would always hold. Another one it warns of.
func (r *reader) checkAbsence(j subject) {
	if j.path.text.at == (Pos{}) {
		return // the path is wrong already
	}
	member, help := countingMember(j.path.expr)
	const text = "%s asks for a member %s, which no list and no text has"
	switch {
	case help == "":
	case j.rule.holds(nil, j.path.singular, Scope{}):
		r.fail(j.path.at, help, text+": it finds nothing, and that is what is expected here", quote(j.path.expr),
			quote(member))
	case member == "length" && j.path.expr != "$.length":
		r.warn(j.path.at, help, text, quote(j.path.expr), quote(member))
	}
}

// counting finds texts in quotes, and members that are called .length, .size or .count.
var counting = regexp.MustCompile(`'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\.(length|size|count)\s*([()\[\].<>=!&|,]|$)`)

// countingMember finds the member .length, .size or .count that a path or one of its filters ends with, and says
// what to write instead. Written ['length'] it is meant as a member.
func countingMember(expr string) (member, help string) {
	if !strings.Contains(expr, ".length") && !strings.Contains(expr, ".size") && !strings.Contains(expr, ".count") {
		return "", "" // most paths
	}
	for _, m := range counting.FindAllStringSubmatchIndex(expr, -1) {
		if m[2] < 0 {
			continue // a text in quotes
		}
		member, of := expr[m[2]:m[3]], expr[:m[0]]
		help = "write length: under " + quote(strings.TrimSuffix(of, "."))
		if at := strings.LastIndexAny(of, "@$"); at > 0 && strings.Trim(expr[m[3]:], " \t\r\n()") != "" {
			help = "write length(" + quoteless(of[at:]) + ")"
		}
		return member, help + "; a member that is really called " + member + " is ['" + member + "']"
	}
	return "", ""
}
