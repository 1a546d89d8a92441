// Package sql owns the schema of the database: the numbered files that make and change
// it. It does not own running them (db) nor any statement of the running service (the
// packages below it, one per kind of row). It imports nothing of ours.
package sql

import "embed"

// Schema holds schema/NNNN_name.sql, in the form that goose reads.
//
//go:embed schema/*.sql
var Schema embed.FS
