//go:build !linux

package process

import "syscall"

// ownGroup puts the command into a group of its own. Nothing but Linux kills it when the keeper is killed.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// adopt does nothing: only Linux lets a process adopt descendants that lost their parent.
func adopt() {}

func killAdopted() {}
