-- Found by the live attempts: job itself has no index on what its end changes.
select j.id, j.owner, coalesce(j.manage_hash, '') as manage_hash,
    coalesce(j.group_id, '') as group_id, coalesce(j.retry_of, '') as retry_of, coalesce(j.replays, 0) as replays,
    j.state, j.attempt, j.failures, j.max_attempts, j.cancel_requested_at is not null as cancel_requested, coalesce(j.concurrency_key, '') as concurrency_key,
    j.created_at, j.run_at, j.started_at, j.wait_until,
    j.recipe, j.recipe_version, j.queue, j.priority, j.params, j.tags, j.email, j.lang, j.trace_context,
    j.token, a.dispatcher, a.boot_id, a.cgroup, a.pid,
    (select coalesce(json_agg(i order by i.number), '[]') from input i where i.job = j.id) as inputs
from live_attempt a join job j on j.id = a.job
where j.state = 'running'
order by a.started_at, j.seq
