package buildtools_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// help is what a command of the test says.
const help = `usage: greet [flags] NAME
       greet COMMAND

Greets somebody: a text
.so of two lines, and a back\slash…

Another paragraph.

how:
  -l, --loud                shout
      --pause LONG          wait so LONG, which takes
                            two lines
      --a-name-that-is-long N
                            is on a line of its own

commands:
  faults                    Finds faults
  help                      Shows the help of a command
  version                   Prints the version
  completion                Prints a script for a shell

example:
  greet --loud \
      Ann

exit codes:
  0  greeted
`

// TestAManualPageIsTheHelp runs man.sh on a command that says help, and on one that is not there.
func TestAManualPageIsTheHelp(t *testing.T) {
	const want = `.TH GREET 1 "" Greenlight
.SH NAME
greet \- Greets somebody
.SH SYNOPSIS
.nf
greet [flags] NAME
greet COMMAND
.fi
.SH DESCRIPTION
Greets somebody: a text
\&.so of two lines, and a back\eslash...
.PP
Another paragraph.
.SH HOW
.TP
\fB\-l, \-\-loud\fR
shout
.TP
\fB\-\-pause LONG\fR
wait so LONG, which takes
two lines
.TP
\fB\-\-a\-name\-that\-is\-long N\fR
is on a line of its own
.SH COMMANDS
.TP
\fBfaults\fR
Finds faults
.TP
\fBhelp\fR
Shows the help of a command
.TP
\fBversion\fR
Prints the version
.TP
\fBcompletion\fR
Prints a script for a shell
.SH EXAMPLE
.nf
  greet \-\-loud \e
      Ann
.fi
.SH EXIT CODES
.nf
  0  greeted
.fi
`
	bin, out := t.TempDir(), filepath.Join(t.TempDir(), "man")
	script := "#!/bin/sh\ncat <<'END'\n" + help + "END\n"
	if err := os.WriteFile(filepath.Join(bin, "greet"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), "sh", "man.sh", bin, out, "greet").CombinedOutput()
	if err != nil || len(said) > 0 {
		t.Fatalf("%v: %s", err, said)
	}
	pages, err := filepath.Glob(out + "/*")
	if want := []string{out + "/greet-faults.1", out + "/greet.1"}; err != nil || !slices.Equal(pages, want) {
		t.Errorf("wrote %v (%v), want %v", pages, err, want)
	}
	got, err := os.ReadFile(out + "/greet.1")
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if exec.CommandContext(t.Context(), "sh", "man.sh", bin, out, "nobody").Run() == nil {
		t.Error("a command that is not there was described")
	}
}
