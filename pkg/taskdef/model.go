package taskdef

//go:generate go run ../../buildtools/taskdef-model model_gen.go

// kind is what RegisterTaskDefinition wants in a place.
type kind uint8

const (
	text kind = iota
	integer
	decimal
	boolean
	list
	mapping
	structure
)

func (k kind) String() string {
	return [...]string{"a string", "an integer", "a number", "true or false", "a list", "an object", "an object"}[k]
}

// shape is one type of the model.
type shape struct {
	name string
	kind kind
	// elem is the number of a list's or a mapping's element type.
	elem int
	// fields are a structure's, by name.
	fields []field
	// enum holds the values that a text may have; empty for any.
	enum []string
}

type field struct {
	name     string
	shape    int
	required bool
}

// field returns the field with the name.
func (s *shape) field(name string) (field, bool) {
	low, high := 0, len(s.fields)
	for low < high {
		mid := (low + high) / 2
		switch f := s.fields[mid]; {
		case f.name == name:
			return f, true
		case f.name < name:
			low = mid + 1
		default:
			high = mid
		}
	}
	return field{}, false
}

// names lists the fields of a structure.
func (s *shape) names() []string {
	all := make([]string, len(s.fields))
	for i, f := range s.fields {
		all[i] = f.name
	}
	return all
}
