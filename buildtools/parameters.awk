# Checks a file of parameters, a NAME=VALUE a line, against a template, and prints what CloudFormation takes:
# awk -f parameters.awk TEMPLATE FILE (an empty one when there is none)
# A wrong name costs a second here, and minutes of packing before CloudFormation says so.
function problem(text) {
	print text > "/dev/stderr"
	bad = 1
}
function quoted(s,    i, c, out) { # character by character: what gsub makes of a backslash differs
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		out = out (c == "\\" || c == "\"" ? "\\" c : c == "\t" ? "\\t" : c)
	}
	return "\"" out "\""
}
FILENAME == ARGV[1] {
	if (/^[A-Za-z]/) section = $1
	if (section != "Parameters:") next
	if (/^  [A-Za-z0-9]+:/) {
		name = substr($1, 1, length($1) - 1)
		known[name] = 1
		names = names (names == "" ? "" : ", ") name
		order[++count] = name
	}
	if ($1 == "Default:" || /^  [A-Za-z0-9]+:.*[{ ]Default:/) optional[name] = 1
	next
}
{
	sub(/\r$/, "")
	sub(/^[ \t]+/, "")
	sub(/[ \t]+$/, "")
}
/^$/ || /^#/ { next }
{
	i = index($0, "=")
	name = substr($0, 1, i - 1)
	value = substr($0, i + 1)
	sub(/[ \t]+$/, "", name)
	sub(/^[ \t]+/, "", value)
	if (i == 0) problem(FILENAME ":" FNR ": want NAME=VALUE")
	else if (!(name in known)) problem(FILENAME ":" FNR ": " ARGV[1] " has no parameter \"" name "\"; it has " names)
	else if (name in given) problem(FILENAME ":" FNR ": " name " stands there twice")
	given[name] = 1
	json = json (json == "" ? "" : ",") "\n  {\"ParameterKey\": " quoted(name) ", \"ParameterValue\": " quoted(value) "}"
}
END {
	for (i = 1; i <= count; i++)
		if (!(order[i] in given) && !(order[i] in optional) && order[i] !~ /^Tools(Uri|Sha256)$/)
			problem((ARGV[2] == "/dev/null" ? "PARAMETERS" : ARGV[2]) ": " order[i] " is not set, and " ARGV[1] " has no default for it")
	if (bad) exit 1
	print "[" json "\n]"
}
