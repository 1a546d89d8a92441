select j.id from live_attempt a join job j on j.id = a.job
where j.state = 'running' and j.cancel_requested_at is not null
order by j.cancel_requested_at
