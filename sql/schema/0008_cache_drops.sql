-- Why: an administrator drops what is kept for a recipe; the files are the dispatcher's
-- to remove, and whoever asked wants to know when they are gone.

-- +goose Up
create table cache_drop (
    id       bigint generated always as identity primary key,
    recipe   text not null,
    prefix   text not null,
    asked_at timestamptz not null default now(),
    done_at  timestamptz,
    -- files is how many went; problem why not all did, '' when they did.
    files    integer not null default 0,
    problem  text not null default ''
);
create index cache_drop_open on cache_drop (id) where done_at is null;
