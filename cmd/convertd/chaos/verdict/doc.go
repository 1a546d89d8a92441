// Package verdict decides whether a service kept its promises while it was being disturbed.
//
// It owns the rules and what they need to be shown: what the client sent and heard, what
// the steps of jobs wrote about themselves, which mails arrived, what the API says at the
// end, what is left on the machine. It knows nothing of how the service works, so that a
// mistake there is not made here again. It does not own how any of that is gathered. It
// imports the standard library only.
package verdict
