-- $1 attempts as one JSON list
update live_attempt a set pid = b.pid, cgroup = b.cgroup, machine = coalesce(b.machine, a.machine),
    recipe_version = coalesce(nullif(b.recipe_version, ''), a.recipe_version)
from json_to_recordset($1) as b (job text, attempt integer, token text, pid integer, cgroup text, recipe_version text,
    machine json), job j
where a.job = b.job and a.number = b.attempt
    and j.id = a.job and j.attempt = a.number and j.token = b.token
