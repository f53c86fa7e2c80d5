package gather_test

import (
	"slices"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/gather"
)

// tree is a list of lists: what it holds itself, then what lies within.
type tree struct {
	own    int
	within []tree
}

// collect gathers a tree's numbers as a parser does: an inner list ends before the outer one goes on.
func collect(l *gather.Lists[int], t tree, found map[int][]int) int {
	mark := l.Begin()
	sum := 0
	for i := range t.own {
		l.Add(i)
		sum += i
		if i < len(t.within) {
			l.Add(collect(l, t.within[i], found))
		}
	}
	found[len(found)] = l.End(mark)
	return sum
}

func TestListsWithinListsKeepWhatIsTheirs(t *testing.T) {
	var l gather.Lists[int]
	found := map[int][]int{}
	collect(&l, tree{3, []tree{{2, nil}, {2, []tree{{1, nil}}}}}, found)
	want := map[int][]int{0: {0, 1}, 1: {0}, 2: {0, 0, 1}, 3: {0, 1, 1, 1, 2}}
	for i, w := range want {
		if !slices.Equal(found[i], w) {
			t.Errorf("list %d is %v, want %v", i, found[i], w)
		}
	}
}

func TestAListOfAnyLengthIsKept(t *testing.T) {
	var l gather.Lists[int]
	lists := map[int][]int{}
	for round := range 3 {
		for n := range 300 {
			mark := l.Begin()
			for i := range n {
				l.Add(round*1000 + n + i)
			}
			if len(l.Since(mark)) != n {
				t.Fatalf("%d values so far, want %d", len(l.Since(mark)), n)
			}
			lists[round*1000+n] = l.End(mark)
		}
	}
	for first, list := range lists {
		if n := first % 1000; len(list) != n || cap(list) != n {
			t.Fatalf("a list of %d has length %d and capacity %d", n, len(list), cap(list))
		}
		for i, v := range list {
			if v != first+i {
				t.Fatalf("list %d holds %d at %d, want %d", first, v, i, first+i)
			}
		}
	}
}

func TestAppendingToAListLeavesTheOthersAlone(t *testing.T) {
	var l gather.Lists[int]
	end := func(v int) []int { mark := l.Begin(); l.Add(v); return l.End(mark) }
	first, second := end(1), end(2)
	_ = append(first, 9)
	if second[0] != 2 {
		t.Errorf("the second list holds %d, want 2", second[0])
	}
}

func TestAnEmptyListIsNil(t *testing.T) {
	var l gather.Lists[int]
	if got := l.End(l.Begin()); got != nil {
		t.Errorf("got %v, want nil", got)
	}
}

func TestValuesAreNewAndZero(t *testing.T) {
	var v gather.Values[[2]int]
	seen := map[*[2]int]bool{}
	for range 1000 {
		n := v.New()
		if seen[n] || *n != [2]int{} {
			t.Fatal("a value was handed out twice, or is not zero")
		}
		seen[n] = true
		n[0] = 7
	}
}
