package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup puts the command into a group of its own, and lets the kernel kill it should the keeper itself be killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// adopt makes this process the parent of every descendant that loses its own, so that one that left the
// group (setsid, a double fork) can still be found.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// killAdopted kills what is still below this process, until nothing is. A descendant's own children are
// adopted when it dies; the bound is against a command that forks faster than it can be killed.
//
// Each thread has a list of its children: what loses its parent goes to the first thread. The others' are not read, and
// this one only where there is a child: the kernel forgets the files of a process that has read one only after it has
// told the parent of its end, and on a busy machine the parent then spins until the thread has a processor again.
func killAdopted() {
	for range 100 {
		if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == syscall.ECHILD {
			return
		}
		list, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid())) // of none there is nothing to kill
		for field := range strings.FieldsSeq(string(list)) {
			if pid, err := strconv.Atoi(field); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				_, _ = syscall.Wait4(pid, nil, 0, nil)
			}
		}
	}
}
