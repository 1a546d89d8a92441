-- Why: what administrators did stays to be read after the thing that they did it to is
-- gone: who paused a queue, who deleted whose jobs.

-- +goose Up

-- An act is written before it is done and gets its outcome after that, so that nothing
-- is done that stands nowhere. outcome is null while nobody knows, 'done', or the code
-- of the refusal. Rows are kept a year.
create table act (
    id       bigint generated always as identity primary key,
    begun_at timestamptz not null default now(),
    -- who is a name from the authenticating proxy, else 'administrator'.
    who      text not null check (who <> ''),
    address  text not null,
    via      text not null check (via in ('api', 'page')),
    verb     text not null check (verb <> ''),
    -- target is what it was done to: an id, the name of a queue, '' for the whole service.
    target   text not null,
    detail   text not null default '',
    outcome  text check (outcome <> '')
);
create index act_begun_at on act (begun_at);
create index act_target on act (target, id);
