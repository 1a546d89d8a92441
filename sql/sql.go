// Package sql owns the schema of the database: the numbered files that make and change
// it, and what each role may do. It does not own running them (db) nor any statement of the running service (the
// packages below it, one per kind of row). It imports nothing of ours.
package sql

import "embed"

// Schema holds schema/NNNN_name.sql, in the form that goose reads.
//
//go:embed schema/*.sql
var Schema embed.FS

// Roles holds what the services may do, one file per role, where they log in with roles
// of their own: each is carried out after the rights that the role had were taken away.
//
//go:embed roles/*.sql
var Roles embed.FS
