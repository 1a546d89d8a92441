-- $1 job, $2 attempt, $3 token, $4 pid, $5 cgroup
update attempt a set pid = $4, cgroup = $5
from job j
where a.job = $1 and a.number = $2 and a.ended_at is null
    and j.id = a.job and j.attempt = a.number and j.token = $3
