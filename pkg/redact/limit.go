package redact

import (
	"fmt"
	"maps"
	"slices"
)

const (
	// MaxSecret is the most that one secret may have, in bytes: what Secrets Manager takes.
	MaxSecret = 64 << 10
	// MaxSecrets is the most that all secrets of a run may have together, in bytes.
	MaxSecrets = 256 << 10
)

// Check returns an error that names the secret that is too large to be hidden in what is printed. The map's keys are
// the names; the error holds no value.
func Check(secrets map[string]string) error {
	all := 0
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		size := len(secrets[name])
		if size > MaxSecret {
			return fmt.Errorf("%s: the secret is larger than %d KiB, too large to be kept out of what is printed; "+
				"give the part of it that is needed, such as one key of it", name, MaxSecret>>10)
		}
		if all += size; all > MaxSecrets {
			return fmt.Errorf("%s: with this one the secrets are larger than %d KiB together, too large to be kept out of "+
				"what is printed; give the parts of them that are needed", name, MaxSecrets>>10)
		}
	}
	return nil
}
