package placeholder

// Lookup returns a variable's value, and whether it is set.
type Lookup func(name string) (string, bool)

// Missing is a reference that has no value and no default.
type Missing struct {
	Name string
	// At is the byte offset of the reference in the parsed text.
	At int
	// Message is the word of ${A?word} as it was written, or empty.
	Message string
	// Empty says that the variable is set, but empty where that is not enough.
	Empty bool
}

// Expand returns the text with its references replaced, and those that have no value.
func (t Text) Expand(lookup Lookup) (string, []Missing) {
	text, missing := t.appendTo(nil, lookup, nil)
	return string(text), missing
}

func (t Text) appendTo(dst []byte, lookup Lookup, missing []Missing) ([]byte, []Missing) {
	for _, part := range t {
		if part.Ref == nil {
			dst = append(dst, part.Literal...)
			continue
		}
		ref := part.Ref
		value, set := lookup(ref.Name)
		full := set && value != ""
		switch ref.Op {
		case Default, DefaultEmpty:
			if full || set && ref.Op == Default {
				dst = append(dst, value...)
			} else {
				dst, missing = ref.Word.appendTo(dst, lookup, missing)
			}
		case Alternative, AlternativeFull:
			if full || set && ref.Op == Alternative {
				dst, missing = ref.Word.appendTo(dst, lookup, missing)
			}
		default:
			if !set || ref.Op == DemandFull && !full {
				missing = append(missing, Missing{ref.Name, part.At, ref.WordSource, set})
			}
			dst = append(dst, value...)
		}
	}
	return dst, missing
}

// Use is one mention of a variable.
type Use struct {
	Name string
	// At is the byte offset of the reference in the parsed text.
	At int
	// Default is the word of ${A-word} or ${A:-word} as it was written; HasDefault tells an empty one from none.
	Default    string
	HasDefault bool
	// Optional says that the variable may be unset: it has a default, or only chooses an alternative.
	Optional bool
}

// Uses lists the references in the order of the text, nested ones after the one that holds them.
func (t Text) Uses() []Use {
	var uses []Use
	for _, part := range t {
		if part.Ref == nil {
			continue
		}
		u := Use{Name: part.Ref.Name, At: part.At}
		switch part.Ref.Op {
		case Default, DefaultEmpty:
			u.Default, u.HasDefault, u.Optional = part.Ref.WordSource, true, true
		case Alternative, AlternativeFull:
			u.Optional = true
		default:
		}
		uses = append(uses, u)
		uses = append(uses, part.Ref.Word.Uses()...)
	}
	return uses
}

// HasRef reports whether the text holds a reference.
func (t Text) HasRef() bool {
	for _, part := range t {
		if part.Ref != nil {
			return true
		}
	}
	return false
}
