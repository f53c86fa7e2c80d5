# A command's help text as a manual page; name is the command's.
function escaped(line) {
	gsub(/\\/, "\\\\e", line)
	gsub(/-/, "\\\\-", line)
	gsub(/…/, "...", line)
	return (line ~ /^[.']/ ? "\\&" : "") line
}

# The usage, up to the first blank line.
part == "" && $0 == "" { part = "about"; next }
part == "" { sub(/^usage: |^       /, ""); usage = usage escaped($0) "\n"; next }

# A part of the help: a title, and what is indented below it.
/^[a-z ]+:$/ {
	if (part == "about") {
		sub(/[:.].*/, "", short)
		printf ".TH %s 1 \"\" Greenlight\n.SH NAME\n%s \\- %s\n", toupper(name), name, escaped(short)
		printf ".SH SYNOPSIS\n.nf\n%s.fi\n.SH DESCRIPTION\n%s", usage, about
	}
	part = $0 == "example:" || $0 == "exit codes:" ? "text" : "rows"
	print ".SH " toupper(substr($0, 1, length($0) - 1)) (part == "text" ? "\n.nf" : "")
	next
}
part == "about" && $0 == "" { gap = ".PP\n"; next }
part == "about" {
	short = short (short == "" ? "" : " ") $0
	about = about gap escaped($0) "\n"
	gap = ""
	next
}
$0 == "" { if (part == "text") print ".fi"; next }
part == "text" { print escaped($0); next }

# Names of flags and commands, and what is said of them from column 28 on, also on the lines below.
{
	row = length($0) > 28 && substr($0, 27, 2) == "  "
	named = row ? substr($0, 1, 28) : $0
	gsub(/^ +| +$/, "", named)
	if (named != "") print ".TP\n\\fB" escaped(named) "\\fR"
	if (row) print escaped(substr($0, 29))
}
END { if (part == "text") print ".fi" }
