package diagnostic

import (
	"slices"
	"strings"
)

// maxEdits is the distance up to which an unknown name counts as a slip of a known one: two typing
// errors.
const maxEdits = 2

// Nearest returns the known name that a person most likely meant by name: within two edits, or equal but for
// case. A short name must be nearer, or everything would match. It returns false when no known name is near, and
// for a name that is itself known.
func Nearest(name string, known []string) (string, bool) {
	return nearest(name, known, func(k string) int { return min(maxEdits, (len(k)-1)/2) })
}

// NearestKey is Nearest for the keys of a document, where within two edits is within two edits, however short
// it is: a key that is no known one and is kept would be lost in silence.
func NearestKey(key string, known []string) (string, bool) {
	return nearest(key, known, func(k string) int { return min(maxEdits, len(k)-1) })
}

func nearest(name string, known []string, limitFor func(string) int) (string, bool) {
	if slices.Contains(known, name) { // the most frequent case, and the cheapest to tell
		return "", false
	}
	best, bestEdits := "", maxEdits+1
	lower := strings.ToLower(name)
	for _, k := range known {
		if abs(len(k)-len(name)) > maxEdits && len(lower) == len(name) {
			continue // too far for any case of it; most names of a long list are
		}
		if strings.EqualFold(k, name) {
			best, bestEdits = k, 0
			continue
		}
		limit := limitFor(k)
		if d := edits(lower, strings.ToLower(k), limit); d <= limit && d < bestEdits {
			best, bestEdits = k, d
		}
	}
	return best, best != ""
}

// edits is the optimal string alignment distance (insert, delete, replace, swap neighbours) between a
// and b, or a number above limit as soon as it is known to exceed it.
func edits(a, b string, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			replace := prev[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			cur[j] = min(replace, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

func abs(n int) int { return max(n, -n) }
