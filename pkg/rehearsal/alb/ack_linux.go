package alb

import "syscall"

// acknowledge makes the kernel acknowledge now what was read. The option does not last, so it is set after every read.
// Its error is no loss: the acknowledgement comes later, as it would without the option.
func acknowledge(conn syscall.RawConn) {
	_ = conn.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
