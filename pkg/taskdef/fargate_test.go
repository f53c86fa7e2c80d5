package taskdef

import (
	"fmt"
	"testing"
)

// TestTheFargateTable holds AWS's table a second time, written out: the sizes at both ends of each row are
// taken, and those one step outside of them and half a step inside are not.
func TestTheFargateTable(t *testing.T) {
	for _, row := range []struct{ cpu, low, high, step int }{
		{256, 512, 2048, 512},
		{512, 1024, 4096, 1024},
		{1024, 2048, 8192, 1024},
		{2048, 4096, 16384, 1024},
		{4096, 8192, 30720, 1024},
		{8192, 16384, 61440, 4096},
		{16384, 32768, 122880, 8192},
	} {
		for memory, want := range map[int]bool{
			row.low: true, row.high: true, row.low + row.step: true,
			row.low - row.step: false, row.high + row.step: false, row.low + row.step/2: false,
		} {
			text := fmt.Sprintf(`{"family": "a", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "%d", "memory": "%d", "containerDefinitions": [{"name": "a", "image": "b"}]}`, row.cpu, memory)
			_, problems := render(t, "x.json", text)
			if got := len(problems) == 0; got != want {
				t.Errorf("cpu %d with memory %d: taken %v, want %v (%v)", row.cpu, memory, got, want, problems)
			}
		}
	}
}
