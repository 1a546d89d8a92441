-- Why: a database and the spool with the files of its jobs belong together, so that a
-- dispatcher does not take jobs whose files are elsewhere; and a dispatcher that cannot
-- start anything says why.

-- +goose Up
create table spool (
    one      boolean primary key default true check (one),
    -- name is the random one in the file spool.id of the spool's folder.
    name     text not null check (name <> ''),
    path     text not null,
    host     text not null,
    bound_at timestamptz not null default now()
);

-- trouble is why a dispatcher claims nothing; '' when it does.
alter table dispatcher add column trouble text not null default '';
