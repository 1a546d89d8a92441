-- Why: the claim writes one row for each attempt and is waited for by every job, and a row
-- that only ever says where an attempt runs needs neither the columns nor the indexes of
-- what an attempt came to. A live attempt therefore has a slim row of its own, which the
-- end turns into a row of attempt.

-- +goose Up

-- At most one live attempt of a job: job is the key. The claim makes the row and the end
-- removes it, each in the statement that changes the job's state, so the row needs no
-- reference to the job to be checked for each claim.
create table live_attempt (
    job            text primary key,
    number         integer not null check (number >= 1),
    started_at     timestamptz not null default now(),
    recipe_version text not null,
    dispatcher     text not null,
    boot_id        text not null,
    cgroup         text not null default '',
    pid            integer not null default 0,
    machine        json
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0);

insert into live_attempt (job, number, started_at, recipe_version, dispatcher, boot_id, cgroup, pid, machine)
select job, number, started_at, recipe_version, dispatcher, boot_id, cgroup, pid, machine
from attempt where ended_at is null;
delete from attempt where ended_at is null;

-- attempt has what is over.
drop index attempt_live;
alter table attempt drop constraint attempt_ended, alter column ended_at set not null, alter column started_at drop default;
