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
// adopted when it dies; the bound is against a command that forks faster than it can be killed. The list of threads is
// read only where there is a child: a process that has read it is forgotten slowly, and on a busy machine whoever waits
// for its end spins until then.
func killAdopted() {
	for range 100 {
		if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == syscall.ECHILD {
			return
		}
		for _, pid := range descendants() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
}

// descendants lists this process' children, of which each thread has a list: what loses its parent goes to the first
// thread. The others' are not read: the kernel forgets a thread's files only after it has told the parent that the
// process has ended, and on a busy machine the parent then spins until the thread has a processor again.
func descendants() []int {
	list, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil {
		return nil
	}
	var pids []int
	for field := range strings.FieldsSeq(string(list)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
