-- Why: an administrator asks what fails most, and who was turned away and why.

-- +goose Up

-- failure has one row per kind of failure of the last 30 days: what differs from one
-- failure to the next (numbers, names of files, ids) is taken out of the reason.
create view failure as
select recipe, class, reason, count(*) as failures, count(*) filter (where ended_at > now() - interval '1 day') as last_day,
    min(ended_at) as first_at, max(ended_at) as last_at, (array_agg(job order by ended_at desc))[1] as last_job,
    (array_agg(detail order by ended_at desc))[1] as last_detail
from (
    select job, recipe, class, ended_at, detail,
        left(regexp_replace(regexp_replace(detail, '["“][^"”]*["”]', '“…”', 'g'), '[0-9]+([.,][0-9]+)*', '#', 'g'), 300) as reason
    from result where state = 'failed' and ended_at > now() - interval '30 days'
) as normalised
group by recipe, class, reason;

-- A refusal is a submission that was turned away; rows are kept 7 days.
create table refusal (
    id         bigint generated always as identity primary key,
    refused_at timestamptz not null default now(),
    owner      text not null,
    recipe     text not null,
    code       text not null check (code <> ''),
    detail     text not null
);
create index refusal_refused_at on refusal (refused_at);
