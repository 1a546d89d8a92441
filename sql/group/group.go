// Package group owns the rows of groups: jobs that were submitted or caused together.
//
// It does not own the jobs (job). It may import sqlx, sql/db, sql/job and runner/fault.
package group
