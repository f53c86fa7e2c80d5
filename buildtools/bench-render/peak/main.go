// The peak command runs another one and prints the most memory that it held, in KiB. It is as small as Go
// makes them: Linux counts the memory of the process that forks into the child's figure.
package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
)

func main() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		os.Exit(2)
	}
	process, err := os.StartProcess(os.Args[1], os.Args[1:], &os.ProcAttr{Env: os.Environ(), Files: []*os.File{null, null, os.Stderr}})
	if err != nil {
		os.Exit(2)
	}
	state, err := process.Wait()
	if err != nil || !state.Success() {
		os.Exit(1)
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		os.Exit(2)
	}
	kib := usage.Maxrss
	if runtime.GOOS == "darwin" {
		kib /= 1024 // bytes there
	}
	_, _ = os.Stdout.WriteString(strconv.FormatInt(kib, 10) + "\n")
}
