-- Why: what the dispatcher finds when it looks at its machine is shown by the pages and
-- the API, which are other processes.

-- +goose Up

-- The rows of one examination, in its order; the next one replaces them all.
create table finding (
    id          bigint generated always as identity primary key,
    -- topic is what was looked at.
    topic       text not null check (topic <> ''),
    level       text not null check (level in ('ok', 'warn', 'fail')),
    text        text not null,
    remedy      text not null default '',
    -- since is when an examination first found the topic at this level.
    since       timestamptz not null default now(),
    host        text not null,
    examined_at timestamptz not null default now()
);
