select j.id from attempt a join job j on j.id = a.job
where a.ended_at is null and j.state = 'running' and j.cancel_requested_at is not null
order by j.cancel_requested_at
