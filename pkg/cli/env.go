package cli

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// ReadEnv returns the variables of a file of KEY=VALUE lines, as shells, Docker and CodeBuild users write them:
// comments, `export`, single and double quotes, values over several lines within quotes. Of two with one name the
// last wins, with a warning.
//
// It expands nothing: a $ in a value is text. It never puts a value into a message, and it refuses what readers
// of such files understand in different ways.
func ReadEnv(name, text string) (map[string]string, diagnostic.List) {
	values := map[string]string{}
	source := template.Source{Name: name, Text: text}
	if bad, ok := template.Readable(&source); !ok {
		return values, diagnostic.List{bad}
	}
	var problems diagnostic.List
	// report says what is wrong where the rest of the text begins.
	report := func(rest string, p diagnostic.Problem) {
		p.Place = source.Place(len(text) - len(rest))
		problems = append(problems, p)
	}
	wrong := func(rest, problem, help string) {
		report(rest, diagnostic.Problem{Cause: diagnostic.Syntax, Text: problem, Help: help})
	}
	quoted := regexp.MustCompile(`^(?:'[^']*'|"(?:[^"\\]|\\[\s\S])*")`)
	for next := strings.TrimPrefix(text, "\uFEFF"); next != ""; {
		entry := strings.TrimLeft(next, " \t")
		if after, ok := strings.CutPrefix(entry, "export"); ok && strings.TrimLeft(after, " \t") != after {
			entry = strings.TrimLeft(after, " \t")
		} else if entry == "" || strings.IndexByte("#\r\n", entry[0]) >= 0 {
			_, next, _ = strings.Cut(entry, "\n")
			continue
		}
		var line string
		line, next, _ = strings.Cut(entry, "\n")
		key, value, ok := strings.Cut(line, "=")
		if !ok || !template.IsName(key) {
			wrong(entry, "want KEY=VALUE with a KEY of letters, digits and _, and no space before the =", "")
			continue
		}
		from := entry[len(key+"="):]
		switch begin := strings.Trim(from[:min(len(value), 1)], " \t"); begin {
		case "#":
			wrong(from, "a # right behind the =", "shells and Docker take it for the value, others for a comment: "+
				"quote the value, or put a space before the comment")
			continue
		case `"`, "'": // single ones take everything literally
			all := quoted.FindString(from)
			if all == "" {
				wrong(from, "a quote is not closed", "")
				return values, problems
			}
			var behind string
			behind, next, _ = strings.Cut(from[len(all):], "\n")
			if rest := strings.TrimLeft(behind, " \t"); rest != "" && rest[0] != '\r' && (rest[0] != '#' || rest == behind) {
				wrong(from[len(all)+len(behind)-len(rest):], "text behind the closing quote",
					`quote the whole value; \" stands for a quote within double quotes`)
				continue
			}
			if value = all[1 : len(all)-1]; begin == `"` {
				value = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`, `\"`, `"`, `\$`, "$", "\\`", "`",
					"\\\n", "").Replace(value)
			}
		default: // a # begins a comment only behind white space: passwords have them too
			value = strings.Trim(regexp.MustCompile(`[ \t]#.*`).ReplaceAllString(value, ""), " \t\r\n")
		}
		if _, twice := values[key]; twice {
			report(entry, diagnostic.Problem{
				Severity: diagnostic.Warning, Cause: diagnostic.Rule,
				Rule: "env-file-twice", Text: key + " stands here twice", Help: "the last one wins",
			})
		}
		values[key] = value
	}
	return values, problems
}

// Secrets reads the values of --secret REF=VALUE. A VALUE env:NAME is what that variable of the environment holds, and
// file:PATH what that file holds, without its last line break: what stands in a command line, others can see. No error
// holds a VALUE, not even a variable's or a file's name: it may be a secret that begins that way.
func Secrets(given []string, lookup func(name string) (string, bool)) (map[string]string, error) {
	all := map[string]string{}
	for i, text := range given {
		ref, value, ok := strings.Cut(text, "=")
		if _, twice := all[ref]; twice || !ok || ref == "" {
			return nil, Usagef("--secret number %d: want REF=VALUE, each REF once", i+1)
		}
		var err error
		if name, found := strings.CutPrefix(value, "env:"); found {
			if value, ok = lookup(name); !ok || value == "" {
				err = errors.New("the environment variable behind env: is not set")
			}
		} else if name, found := strings.CutPrefix(value, "file:"); found {
			value, err = ReadFile(name, strings.NewReader(""))
			value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
			if path, ok := errors.AsType[*fs.PathError](err); ok {
				err = path.Err
			} else if err == nil && value == "" {
				err = errors.New("it is empty")
			}
		}
		if err != nil {
			return nil, Usagef("--secret number %d: %v", i+1, err)
		}
		all[ref] = value
	}
	return all, nil
}
