-- $1 the ends as one JSON list, $2 seconds to keep files for where an end does not say.
--
-- An end applies only to the very attempt it belongs to: number, token, still running.
-- A job that somebody wanted cancelled does not go back to its queue, it is cancelled.
with told as materialized (
    select e.*, row_number() over () as n from json_to_recordset($1) as e (id text, attempt integer, token text,
        next text, run_at timestamptz, count_failure boolean, result json, outputs json, previews json,
        ran json, limits json, keep_until timestamptz, mails json, began json, advice json)
), ruled as materialized (
    select e.*, case
            when e.next in ('queued', 'scheduled', 'expired') and j.cancel_requested_at is not null then 'cancelled'
            when e.next = 'queued' and e.run_at > now() then 'scheduled'
            when e.next = 'queued' and j.gated then 'blocked'
            else e.next end as state
    from told e join job j on j.id = e.id and j.attempt = e.attempt and j.token = e.token and j.state = 'running'
    order by e.id for no key update of j
), applied as (
    update job j set state = e.state, token = null,
        class = case e.state when 'succeeded' then 'succeeded' when 'cancelled' then 'cancelled'
            when 'failed' then e.result ->> 'class' end,
        failures = j.failures + e.count_failure::integer,
        ended_at = case when e.state in ('succeeded', 'failed', 'cancelled', 'expired') then now() end,
        run_at = case when e.state in ('queued', 'scheduled', 'blocked') then e.run_at else j.run_at end,
        -- What goes back goes to the front, not below it: see due.sql.
        turn = case when e.state in ('queued', 'blocked') then greatest(j.turn,
            (select q.turn from queue_turn q where q.queue = j.queue order by q.turn desc limit 1)) else j.turn end
    from ruled e where j.id = e.id
    returning j.id, j.seq, j.recipe, j.state, j.class, j.ended_at, e.n
), dead as (
    delete from live_attempt a using ruled e where a.job = e.id and a.number = e.attempt returning a.*, e.n
), closed as (
    insert into attempt (job, number, started_at, ended_at, class, detail, signal, exit_code, wall_seconds, cpu_seconds,
        peak_memory_bytes, ran, limits, advice, recipe_version, dispatcher, boot_id, pid, cgroup, machine)
    select a.job, a.number, a.started_at, now(), e.result ->> 'class',
        coalesce(e.result ->> 'detail', ''), coalesce(e.result ->> 'signal', ''),
        coalesce((e.result ->> 'exit_code')::integer, 0),
        coalesce((e.result -> 'usage' ->> 'wall_seconds')::double precision, 0),
        coalesce((e.result -> 'usage' ->> 'cpu_seconds')::double precision, 0),
        coalesce((e.result -> 'usage' ->> 'peak_memory_bytes')::bigint, 0),
        e.ran, e.limits, e.advice, coalesce(nullif(e.began ->> 'recipe_version', ''), a.recipe_version),
        a.dispatcher, a.boot_id, coalesce((e.began ->> 'pid')::integer, a.pid), coalesce(e.began ->> 'cgroup', a.cgroup),
        coalesce(e.began -> 'machine', a.machine)
    from dead a join ruled e on e.n = a.n
), over as materialized (
    select p.*, e.attempt, e.result, e.outputs, e.previews, e.keep_until,
        case when p.state = e.next then e.mails end as mails
    from applied p join ruled e on e.n = p.n where p.ended_at is not null
), kept as (
    insert into result (job, seq, recipe, state, class, detail, hint, step, exit_code, signal, input_bytes,
        wall_seconds, cpu_seconds, peak_memory_bytes, keep_until)
    select o.id, o.seq, o.recipe, o.state, o.class,
        case when o.class = o.result ->> 'class' then coalesce(o.result ->> 'detail', '') else '' end,
        case when o.class = o.result ->> 'class' then coalesce(o.result ->> 'hint', '') else '' end,
        coalesce(o.result ->> 'step', ''), coalesce((o.result ->> 'exit_code')::integer, 0),
        coalesce(o.result ->> 'signal', ''),
        (select coalesce(sum(i.size), 0) from input i where i.job = o.id),
        coalesce((o.result -> 'usage' ->> 'wall_seconds')::double precision, 0),
        coalesce((o.result -> 'usage' ->> 'cpu_seconds')::double precision, 0),
        coalesce((o.result -> 'usage' ->> 'peak_memory_bytes')::bigint, 0),
        coalesce(o.keep_until, now() + make_interval(secs => $2))
    from over o
), files as (
    insert into output (job, kind, number, attempt, file, name, size, sha256, media_type)
    select o.id, k.kind, f.n, o.attempt, f.file, f.name, f.size, f.sha256, f.media_type
    from over o
    cross join lateral (values ('output', o.outputs), ('preview', o.previews)) as k (kind, list)
    cross join lateral rows from (json_to_recordset(k.list) as (file text, name text, size bigint, sha256 text,
        media_type text)) with ordinality as f (file, name, size, sha256, media_type, n)
), owed as (
    insert into outbox (job, key, kind, recipient, attach, payload)
    select o.id, o.id || '.' || m.kind, m.kind, m.recipient, m.attach, m.payload
    from over o cross join lateral json_to_recordset(o.mails) as m (kind text, recipient text, attach boolean,
        payload json)
)
select n from applied
