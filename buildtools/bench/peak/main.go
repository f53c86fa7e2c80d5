// The peak command runs another one and prints the most memory that it had resident, in KiB. It is as small
// as Go makes it: Linux counts the memory of the process that forks into the child's figure.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...) //nolint:noctx // it ends when bench does
	cmd.Stderr = os.Stderr
	err := cmd.Run()
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if err != nil || !ok {
		fmt.Fprintln(os.Stderr, "peak:", err)
		os.Exit(1)
	}
	if runtime.GOOS == "darwin" {
		usage.Maxrss /= 1024 // bytes there
	}
	fmt.Println(usage.Maxrss)
}
