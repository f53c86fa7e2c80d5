# Checks a file of parameters against a template: awk -f parameters.awk TEMPLATE FILE (an empty one when there is
# none). FILE has a NAME=VALUE a line, or is CloudFormation's own JSON, and then its name ends in .json.
# It prints a line for each of the template's parameters, with a unit separator (\037) between its name, the value that
# it would have, the pattern that the value has to match, and "once" where it counts at creation only. With -v json=1
# it prints what CloudFormation takes; with -v only=NAME it prints NAME's line, and nothing else has to be right.
# A wrong name costs a second here, and minutes of packing before CloudFormation says so.
function problem(text) {
	if (only == "") print text > "/dev/stderr"
	bad = 1
}
function quoted(s,    i, c, out) { # character by character: what gsub makes of a backslash differs
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		out = out (c == "\\" || c == "\"" ? "\\" c : c == "\t" ? "\\t" : c)
	}
	return "\"" out "\""
}
function unquoted(s,    i, c, out) { # the reverse, for what stands between double quotes in YAML and JSON
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\") {
			c = substr(s, ++i, 1)
			if (c == "n" || c == "t") c = " "
		}
		out = out c
	}
	return out
}
function scalar(s) {
	if (s ~ /^".*"$/) return unquoted(substr(s, 2, length(s) - 2))
	if (s ~ /^'.*'$/) return substr(s, 2, length(s) - 2)
	return s
}
function attribute(key, text) { # of the parameter that is being read
	if (key == "Default") {
		standard[name] = text
		optional[name] = 1
	} else if (text != "") rule[name, key] = text
}
function take(key, text, where) {
	if (!(key in known)) problem(where ": " ARGV[1] " has no parameter \"" key "\"; it has " names)
	else if (key in given) problem(where ": " key " stands there twice")
	given[key] = text
	list = list (list == "" ? "" : ",") "\n  {\"ParameterKey\": " quoted(key) ", \"ParameterValue\": " quoted(text) "}"
}
function listed(text, values,    n, i, all) {
	gsub(/[][ ]/, "", values)
	n = split(values, all, ",")
	for (i = 1; i <= n; i++) if (scalar(all[i]) == text) return 1
	return 0
}
function wrong(key, text) { # why CloudFormation would refuse the value, but for its pattern
	if ((key, "AllowedValues") in rule && !listed(text, rule[key, "AllowedValues"])) return "want one of " rule[key, "AllowedValues"]
	if (rule[key, "Type"] == "Number") {
		if (text !~ /^-?[0-9]+(\.[0-9]+)?$/) return "is not a number"
		if ((key, "MinValue") in rule && text + 0 < rule[key, "MinValue"] + 0) return "is less than " rule[key, "MinValue"]
		if ((key, "MaxValue") in rule && text + 0 > rule[key, "MaxValue"] + 0) return "is more than " rule[key, "MaxValue"]
	}
	if ((key, "MaxLength") in rule && length(text) > rule[key, "MaxLength"] + 0) return "is longer than " rule[key, "MaxLength"]
	return ""
}
FILENAME == ARGV[1] {
	if (/^[A-Za-z]/) section = $1
	if (section != "Parameters:") next
	if (/^  [A-Za-z0-9]+:/) {
		name = substr($1, 1, length($1) - 1)
		known[name] = 1
		names = names (names == "" ? "" : ", ") name
		order[++count] = name
		if (match($0, /[{ ]Default: */)) { # all of it in one line
			text = substr($0, RSTART + RLENGTH)
			sub(/[,}].*/, "", text)
			attribute("Default", scalar(text))
		}
	} else if (match($0, /^    [A-Za-z]+: */)) {
		key = $1
		sub(/:$/, "", key)
		attribute(key, scalar(substr($0, RSTART + RLENGTH)))
	}
	next
}
ARGV[2] ~ /\.json$/ {
	text = text $0 " "
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
	key = substr($0, 1, i - 1)
	value = substr($0, i + 1)
	sub(/[ \t]+$/, "", key)
	sub(/^[ \t]+/, "", value)
	if (i == 0) problem(FILENAME ":" FNR ": want NAME=VALUE")
	else take(key, value, FILENAME ":" FNR)
}
END {
	if (ARGV[2] ~ /\.json$/) { # the texts one after the other; the two of a parameter come in either order
		key = value = kind = ""
		while (match(text, /"([^"\\]|\\.)*"/)) {
			word = unquoted(substr(text, RSTART + 1, RLENGTH - 2))
			text = substr(text, RSTART + RLENGTH)
			if (kind == "ParameterKey") key = word
			if (kind == "ParameterValue") value = "=" word
			if (kind != "") kind = ""
			else if (word == "ParameterKey" || word == "ParameterValue") kind = word
			if (key != "" && value != "") {
				take(key, substr(value, 2), ARGV[2])
				key = value = ""
			}
		}
	}
	for (i = 1; i <= count; i++) {
		name = order[i]
		where = (ARGV[2] == "/dev/null" ? "PARAMETERS" : ARGV[2]) ": " name
		if (only != "" && name != only || name ~ /^Tools(Uri|Sha256)$/ && !(name in given)) continue
		if (!(name in given) && !(name in optional)) problem(where " is not set, and " ARGV[1] " has no default for it")
		if (name in given && (why = wrong(name, given[name])) != "") problem(where ": " why)
		lines = lines name "\037" (name in given ? given[name] : standard[name]) "\037" \
			(name in given ? rule[name, "AllowedPattern"] : "") "\037" \
			(rule[name, "Description"] ~ /Counts at creation only\.$/ ? "once" : "") "\n"
	}
	if (bad && only == "") exit 1
	if (json) print "[" list "\n]"
	else if (lines != "") printf "%s", lines
}
