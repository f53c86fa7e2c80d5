package smoke

// SameAddress is a stand-in until the runner's is merged.
func SameAddress(a, b string) bool { return a == b }
