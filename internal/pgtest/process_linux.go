package pgtest

import "syscall"

// dieWithUs has the process ended (at once, without shutdown) when the thread that started it ends.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }

func runAs(a *syscall.SysProcAttr, who *account) {
	a.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
}
