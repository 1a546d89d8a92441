-- $1 group, $2 how far to count
select count(*) from (select from job where group_id = $1 limit $2) as found
