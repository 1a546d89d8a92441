-- $1 ids
select id from job where id = any($1) and deleted_at is null
