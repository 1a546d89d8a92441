-- One whole job a row. A condition on j and r follows.
select j.id, j.owner, coalesce(j.manage_hash, '') as manage_hash,
    coalesce(j.group_id, '') as group_id, coalesce(j.retry_of, '') as retry_of, coalesce(j.replays, 0) as replays,
    j.state, j.attempt, j.failures, j.max_attempts, j.cancel_requested_at is not null as cancel_requested, coalesce(j.concurrency_key, '') as concurrency_key,
    j.created_at, j.run_at, j.started_at, j.ended_at, j.wait_until, r.keep_until, r.files_gone_at, coalesce(r.gone_for, '') as gone_for,
    j.recipe, j.recipe_version, j.queue, j.priority, j.params, j.tags, j.email, j.lang, j.trace_context,
    coalesce(j.token, '') as token,
    (select coalesce(json_agg(i order by i.number), '[]') from input i where i.job = j.id) as inputs,
    (select coalesce(json_agg(o order by o.number), '[]') from output o
        where o.job = j.id and o.kind = 'output') as outputs,
    (select coalesce(json_agg(o order by o.number), '[]') from output o
        where o.job = j.id and o.kind = 'preview') as previews,
    case when r.class is not null then json_build_object(
        'class', r.class, 'detail', r.detail, 'hint', r.hint, 'step', r.step,
        'exit_code', r.exit_code, 'signal', r.signal, 'usage', json_build_object(
            'wall_seconds', r.wall_seconds, 'cpu_seconds', r.cpu_seconds,
            'peak_memory_bytes', r.peak_memory_bytes)) end as result
from job j left join result r on r.job = j.id
