-- $1 id
select id, owner, manage_hash, created_at from job_group where id = $1
