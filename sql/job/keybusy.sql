-- $1 key
select exists (select from job where waiting and concurrency_key = $1)
    or exists (select from attempt a join job j on j.id = a.job where a.ended_at is null and j.concurrency_key = $1)
