-- $1 queue, $2 how far to count
select count(*) from (select from job where waiting and queue = $1 limit $2) as found
