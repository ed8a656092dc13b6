//go:build !linux

package pgtest

import "syscall"

func dieWithUs(*syscall.SysProcAttr) {} // elsewhere Stop must be reached

func runAs(*syscall.SysProcAttr, *account) {} // PostgreSQL itself says that it will not run as root
