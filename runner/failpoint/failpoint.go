// Package failpoint owns named places at which a test may kill or stop a process of the
// service: in the acceptance of a job, in the life of an attempt, where files come and go.
// Without the build tag "failpoints" a place is an empty function that the compiler removes.
//
// With the tag the variable CONVERTD_FAILPOINTS says what happens where:
// "NAME=kill", "NAME=stop" (SIGSTOP), each optionally with "@N" for the Nth passage
// (default the first), several separated by ";".
//
// It may import the standard library only.
package failpoint

// Variable is the name of the variable that holds the plan.
const Variable = "CONVERTD_FAILPOINTS"

// The places of a submission, in the order in which it passes them.
const (
	AfterUpload = "after-upload" // the files are on disk, in a draft
	AfterFolder = "after-folder" // the draft has become the job's folder
	AfterRow    = "after-row"    // the row is committed, and nobody was told
)

// The places of an attempt, in the order in which it passes them.
const (
	AfterClaim    = "after-claim"
	AfterCgroup   = "after-cgroup"
	AfterLock     = "after-lock"
	AfterStart    = "after-start"
	AfterNote     = "after-note"
	BeforeSpec    = "before-spec"
	AfterSpec     = "after-spec"
	BeforeOutcome = "before-outcome"
	AfterOutcome  = "after-outcome"
	BeforeCommit  = "before-commit"
	AfterCommit   = "after-commit"
	BeforeClean   = "before-clean"
	AfterGroup    = "after-group" // the control group is removed, the rest is not
	BeforeMail    = "before-mail"
	AfterMail     = "after-mail"
)

// The places of what only some jobs have.
const (
	AfterFollowUp = "after-follow-up" // a follow-up job is there, its parent not recorded
	AfterDeliver  = "after-deliver"   // an awaited file is there, and not noted
	AfterRemove   = "after-remove"    // a deleted job's files are gone, its row not stripped
)

// OfAcceptance returns the places of a submission.
func OfAcceptance() []string { return []string{AfterUpload, AfterFolder, AfterRow} }

// OfAttempt returns the places that every attempt of a failing job passes.
func OfAttempt() []string {
	return []string{
		AfterClaim, AfterCgroup, AfterLock, AfterStart, AfterNote, BeforeSpec, AfterSpec,
		BeforeOutcome, AfterOutcome, BeforeCommit, AfterCommit, BeforeClean, AfterGroup, BeforeMail, AfterMail,
	}
}

// OfFiles returns the places of follow-up jobs, awaited files and deletions.
func OfFiles() []string { return []string{AfterFollowUp, AfterDeliver, AfterRemove} }
