package suite

import (
	"encoding/json"
	"testing"
)

// FuzzAValueInAPathStaysAValue: whatever an answer said, a path with it finds the member or item of exactly that name.
func FuzzAValueInAPathStaysAValue(f *testing.F) {
	for _, seed := range []string{"x", "'", `"`, `\`, `\'`, `']`, `"] || true || @["`, "a.b", "$", "${x}", "\u2028\x00\n", "é😀", "^.*$", "1"} {
		f.Add(seed)
	}
	r := &reader{source: []byte("x")}
	paths := []string{
		`$["${v}"]`, `$['${v}']`, `$.${v}`, `$[${v}]`, `$.items[?@.id == "${v}"]`, `$.items[?@.id == '${v}']`,
		`$.items[?@.id == ${v}]`, `$.items[?match(@.id, "${v}")]`, `$.items[?search(@.id, '^${v}$')]`,
	}
	f.Fuzz(func(t *testing.T, value string) {
		root := map[string]any{value: "here", "items": []any{
			map[string]any{"id": value}, map[string]any{"id": value + "+"}, map[string]any{"id": "other" + value},
		}}
		sc := Scope{Captured: map[string]any{"v": value}}
		for _, expr := range paths {
			path := r.jsonPath(expr, Pos{1, 1})
			if len(r.problems) > 0 {
				t.Fatal(expr, r.problems)
			}
			found, err := path.find(root, sc)
			if _, wrong := sc.inPath("v"); wrong != nil {
				if err == nil {
					t.Errorf("%s with %q: %v", expr, value, found)
				}
				continue
			}
			if err != nil || len(found) != 1 {
				t.Errorf("%s with %q: %v, %v", expr, value, found, err)
			}
		}
	})
}

// TestANumberIsAName where a name stands, and itself where it is compared.
func TestANumberIsAName(t *testing.T) {
	r := &reader{source: []byte("x")}
	root := map[string]any{"prices": map[string]any{"7": "seven"}, "items": []any{map[string]any{"id": json.Number("7"), "n": "here"}}}
	for expr, want := range map[string]string{
		`$.prices["${v}"]`: "seven", `$.prices['${v}']`: "seven", `$.prices.${v}`: "seven", `$.items[?@.id == "${v}"].n`: "here", `$.items[?'${v}' == @.id].n`: "here",
	} {
		found, err := r.jsonPath(expr, Pos{1, 1}).find(root, Scope{Captured: map[string]any{"v": json.Number("7")}})
		if err != nil || len(found) != 1 || found[0] != want {
			t.Errorf("%s: %v, %v", expr, found, err)
		}
	}
}
