#!/bin/sh
# Writes the manual pages of the commands: man.sh BIN OUT COMMAND…
# A page is what the command's -h says, in roff: there is no second text that could be an older one, and no product
# links what writes it.
set -eu
bin=$1 out=$2
shift 2
mkdir -p "$out"

page() { # NAME, then the command line
	name=$1
	shift
	"$@" -h >"$out/$name.txt"
	awk -v name="$name" -f "$(dirname "$0")/man.awk" "$out/$name.txt" >"$out/$name.1"
}
for command; do
	page "$command" "$bin/$command"
	for sub in $(awk '/^[a-z ]+:$/ { list = $0 == "commands:" } list && /^  [a-z]/ { print $1 }' "$out/$command.txt"); do
		case $sub in
		help | version | completion) ;; # which every command has
		*) page "$command-$sub" "$bin/$command" "$sub" ;;
		esac
	done
done
rm -f "$out"/*.txt
