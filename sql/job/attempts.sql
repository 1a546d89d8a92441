-- $1 id
select a.number, a.started_at, a.ended_at, coalesce(a.class, '') as class, a.detail, a.exit_code, a.signal,
    a.recipe_version, a.wall_seconds as "usage.wall_seconds", a.cpu_seconds as "usage.cpu_seconds",
    a.peak_memory_bytes as "usage.peak_memory_bytes", coalesce(a.ran, 'null') as ran,
    coalesce(a.limits, 'null') as limits, coalesce(a.machine, 'null') as machine, coalesce(a.advice, 'null') as advice, a.dispatcher, a.boot_id, a.cgroup, a.pid
from attempt a join job j on j.id = a.job
where a.job = $1 and j.deleted_at is null
union all
select a.number, a.started_at, null, '', '', 0, '', a.recipe_version, 0, 0, 0, 'null', 'null', coalesce(a.machine, 'null'),
    'null', a.dispatcher, a.boot_id, a.cgroup, a.pid
from live_attempt a join job j on j.id = a.job
where a.job = $1 and j.deleted_at is null
order by number
