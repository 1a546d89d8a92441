-- $1 id, $2 spool, $3 host, $4 pid, $5 version, $6 state, $7 slots, $8 running, $9 since when, $10 machine,
-- $11 trouble
with said as (
    insert into dispatcher as d (id, spool, host, pid, version, state, slots, running, started_at, machine, trouble)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (id) do update set state = excluded.state, running = excluded.running, seen_at = now(),
        spool = excluded.spool, machine = excluded.machine, trouble = excluded.trouble
    returning started_at
), old as (
    delete from dispatcher where seen_at < now() - interval '1 day' and id <> $1
)
select mode from drain, said where drain.asked_at > said.started_at
