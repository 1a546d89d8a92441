-- $1 group
select state, count(*) as n from job where group_id = $1 and deleted_at is null group by state
