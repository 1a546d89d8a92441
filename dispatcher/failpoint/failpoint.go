// Package failpoint owns named places in the life of an attempt at which a test may
// kill or stop this process. Without the build tag "failpoints" a place is an empty
// function that the compiler removes.
//
// With the tag the variable CONVERTD_FAILPOINTS says what happens where:
// "NAME=kill", "NAME=stop" (SIGSTOP), each optionally with "@N" for the Nth passage
// (default the first), several separated by ";".
//
// It may import the standard library only.
package failpoint

// The places, in the order in which an attempt passes them.
const (
	AfterClaim    = "after-claim"
	AfterCgroup   = "after-cgroup"
	AfterLock     = "after-lock"
	AfterStart    = "after-start"
	BeforeSpec    = "before-spec"
	AfterSpec     = "after-spec"
	BeforeOutcome = "before-outcome"
	AfterOutcome  = "after-outcome"
	BeforeCommit  = "before-commit"
	AfterCommit   = "after-commit"
	BeforeMail    = "before-mail"
	AfterMail     = "after-mail"
)

// Names returns all places.
func Names() []string {
	return []string{
		AfterClaim, AfterCgroup, AfterLock, AfterStart, BeforeSpec, AfterSpec,
		BeforeOutcome, AfterOutcome, BeforeCommit, AfterCommit, BeforeMail, AfterMail,
	}
}
