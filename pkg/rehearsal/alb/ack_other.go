//go:build !linux

package alb

import "syscall"

// acknowledge does nothing: macOS, the other system that rehearse is made for, has no such option.
func acknowledge(syscall.RawConn) {}
