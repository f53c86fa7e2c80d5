//go:build !linux

package portowner

// fromSystem knows nothing here; lsof does.
func fromSystem(int) (string, bool) { return "", false }
