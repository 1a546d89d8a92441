-- $1 id, $2 owner, $3 manage_hash, $4 group_id, $5 retry_of, $6 a document with the rest.
--
-- turn: jobs of one owner get turns one after the other, and a newcomer starts behind
-- the turn that was claimed last; claiming by turn then goes round among the owners.
-- Turns are counted per queue: in a slow queue nobody must wait behind the many turns of
-- a fast one.
with asked as materialized (
    select * from json_to_record($6) as d (recipe text, recipe_version text, queue text, priority smallint,
        params jsonb, tags jsonb, email text, lang text, trace_context jsonb,
        run_at timestamptz, wait_until timestamptz, max_attempts integer, inputs json, concurrency_key text,
        needs json, replays integer)
), passed as materialized (
    select coalesce((select q.turn from queue_turn q, asked where q.queue = asked.queue
        order by q.turn desc limit 1), 0) as turn
), opened as (
    insert into lane (queue, priority) select queue, priority from asked on conflict do nothing
), made as (
    insert into job (id, owner, manage_hash, group_id, retry_of, recipe, recipe_version, queue, priority, turn,
        params, tags, email, lang, trace_context, state, max_attempts, run_at, wait_until, concurrency_key, gated, replays)
    select $1, $2, $3, nullif($4, ''), nullif($5, ''), recipe, recipe_version, queue, priority,
        1 + greatest(
            (select max(w.turn) from job w where w.waiting and w.owner = $2 and w.queue = asked.queue
                and w.turn > passed.turn),
            passed.turn),
        params, tags, email, lang, trace_context,
        case when run_at > now() then 'scheduled'
            when concurrency_key <> '' or json_array_length(needs) > 0 then 'blocked' else 'queued' end,
        max_attempts, run_at, wait_until, nullif(concurrency_key, ''),
        concurrency_key <> '' or json_array_length(needs) > 0, nullif(replays, 0)
    from asked, passed
    returning state, created_at
), files as (
    insert into input (job, number, param, file, name, size, sha256, media_type)
    select $1, f.number, coalesce(f.param, ''), f.file, f.name, f.size, f.sha256, f.media_type
    from asked, json_to_recordset(asked.inputs) as f (number integer, param text, file text, name text, size bigint,
        sha256 text, media_type text)
), needed as (
    insert into dependency (job, number, needs, output, input)
    select $1, row_number() over (), n.job, nullif(n.output, ''), nullif(n.input, 0)
    from asked, json_to_recordset(asked.needs) as n (job text, output text, input integer)
)
select state, created_at from made
