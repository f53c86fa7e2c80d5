package cli

import "errors"

// duplicate is for the names of descriptors, which Windows does not have.
func duplicate(int) (int, error) { return 0, errors.ErrUnsupported }
