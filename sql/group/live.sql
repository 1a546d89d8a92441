-- $1 group
select id from job where group_id = $1 and deleted_at is null and ended_at is null
order by waiting desc, seq desc
