package redact

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// random returns a text of so many bytes that holds no part twice.
func random(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		sum := sha256.Sum256(fmt.Append(nil, i))
		b.WriteString(base64.StdEncoding.EncodeToString(sum[:]))
	}
	return b.String()[:size]
}

// large are secrets of the greatest size, and what a server that wants to cost time answers with.
func large() map[string]struct{ secret, answer string } {
	members := map[string]string{}
	for i := range 600 {
		members[fmt.Sprint("member", i)] = random(60_000)[i*100 : i*100+90]
	}
	object, _ := json.MarshalIndent(members, "", "  ")
	const answer = 4 << 10
	half := random(MaxSecret)[:answer]
	return map[string]struct{ secret, answer string }{
		"a part of it":     {random(MaxSecret), half},
		"one letter":       {strings.Repeat("a", MaxSecret), strings.Repeat("a", answer)},
		"two letters":      {strings.Repeat("ab", MaxSecret/2) + "!", strings.Repeat("ab", answer/2)},
		"escapes":          {strings.Repeat("%25", MaxSecret/3), strings.Repeat("25", answer/2)},
		"backslashes":      {strings.Repeat(`\`, MaxSecret-3) + "end", strings.Repeat(`\`, answer)},
		"a JSON object":    {string(object), string(object[:answer])},
		"half its base64":  {random(MaxSecret), base64.StdEncoding.EncodeToString([]byte(half))},
		"a half-open code": {random(MaxSecret), strings.Repeat("&#37;", answer/5)},
	}
}

// TestALargeSecretCostsBoundedWork counts the bytes that are read: what they cost is the same for each.
func TestALargeSecretCostsBoundedWork(t *testing.T) {
	for name, c := range large() {
		r := New(c.secret)
		read := func(text string) (count int) {
			for _, way := range readings(text) {
				original := way.byte
				way.byte = func(p place) (byte, place, int) { count++; return original(p) }
				for i := range len(text) {
					for part := 0; part <= way.last; part += 2 {
						way.find(r.first, text, place{i, part}, true)
					}
				}
			}
			return count
		}
		once, often := read(c.answer), read(strings.Repeat(c.answer, 4))
		if most := 6 * maxPart * len(c.answer); once > most {
			t.Errorf("%s: %d bytes were read of an answer of %d, want at most %d", name, once, len(c.answer), most)
		}
		if often > 5*once {
			t.Errorf("%s: %d bytes were read of one answer, %d of four of them", name, once, often)
		}
	}
}

func TestALargeSecretTakesBoundedMemory(t *testing.T) {
	const most, least = 24 << 20, 64 << 10 // bytes, freed ones included; a function has 512 MiB
	for name, c := range large() {
		var r *Redactor
		if got := taken(func() { r = New(c.secret) }); got > most {
			t.Errorf("%s: %d KiB were taken for the secret, want at most %d", name, got>>10, most>>10)
		}
		if got := taken(func() { r = r.With("captured") }); got > least {
			t.Errorf("%s: %d KiB were taken for one secret more, want at most %d", name, got>>10, least>>10)
		}
		if got := r.Cut("a: " + c.secret + " captured"); got != "a: "+Mask+" "+Mask {
			t.Errorf("%s: got %.100q", name, got)
		}
	}
}

// taken is how much memory f takes, in bytes, freed ones included.
func taken(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestSecretsThatAreTooLargeAreNamed(t *testing.T) {
	large := strings.Repeat("hunter2", MaxSecret)[:MaxSecret]
	for name, c := range map[string]struct {
		secrets map[string]string
		want    string
	}{
		"none":       {nil, ""},
		"just fits":  {map[string]string{"A": large, "B": large, "C": large, "D": large}, ""},
		"one":        {map[string]string{"A": "a", "B": large + "h"}, "B: the secret is larger than 64 KiB, "},
		"altogether": {map[string]string{"A": large, "B": large, "C": large, "D": large, "E": "h"}, "E: with this one the secrets are larger than 256 KiB together, "},
	} {
		err := Check(c.secrets)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
