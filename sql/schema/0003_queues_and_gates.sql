-- Why: queues that an administrator pauses; jobs that must not run beside each other, or
-- not before others have succeeded; dispatchers that are seen and told to drain.

-- +goose Up
create table queue_pause (
    queue     text primary key check (queue <> ''),
    paused_at timestamptz not null default now()
);

-- gated jobs are blocked until nothing stands against them; unblock.sql alone lets them
-- through. blocked is a column of its own for the same reason as claimable.
alter table job
    add column concurrency_key text check (concurrency_key <> ''),
    add column gated boolean not null default false,
    add column blocked boolean not null generated always as (state = 'blocked') stored,
    add constraint job_gated check (gated or (concurrency_key is null and state <> 'blocked'));
create index job_blocked on job (priority desc, turn, seq) where blocked;
create index job_concurrency on job (concurrency_key) where waiting and concurrency_key is not null;

-- A dependency is a job that must have succeeded before another one starts, and maybe
-- the output of it that becomes an input of the other.
create table dependency (
    job    text not null references job on delete cascade,
    number integer not null check (number >= 1),
    -- needs names a job; its row may go before this one.
    needs  text not null,
    -- output is the name of the file that is awaited, null when only success is;
    -- input is its number among the inputs of the job.
    output text check (output <> ''),
    input  integer check (input >= 1),
    met_at timestamptz,
    primary key (job, number),
    constraint dependency_input check ((output is null) = (input is null))
);
create index dependency_unmet on dependency (needs) where met_at is null;

-- A dispatcher is one process; what it writes here is for people, and for drain.
create table dispatcher (
    id         text primary key,
    spool      text not null,
    host       text not null,
    pid        integer not null,
    version    text not null,
    state      text not null check (state in ('standby', 'serving', 'draining', 'drained', 'stopped')),
    slots      integer not null,
    running    integer not null,
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now()
) with (fillfactor = 50);

-- What all dispatchers are told; one row. A dispatcher that is started after asked_at
-- does not heed it.
create table drain (
    one      boolean primary key default true check (one),
    mode     text not null check (mode in ('drain', 'now')),
    asked_at timestamptz not null default now()
);
