-- Why: a parameter may be a file of its own beside the inputs: a look-up table, a
-- letterhead, a subtitle. It is stored and checked like an input.

-- +goose Up

-- param is the parameter that the file is for, '' for an input.
alter table input add column param text not null default '';
