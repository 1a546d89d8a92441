-- $1 key
select exists (select from job where waiting and concurrency_key = $1)
    or exists (select from live_attempt a join job j on j.id = a.job where j.concurrency_key = $1)
