-- $1 job, $2 id of the group to be made
with alone as materialized (
    select id, owner, manage_hash from job where id = $1 and group_id is null
), made as (
    insert into job_group (id, owner, manage_hash) select $2, owner, manage_hash from alone
    on conflict (id) do nothing
), joined as (
    update job j set group_id = $2 from alone where j.id = alone.id
)
select coalesce(group_id, $2) from job where id = $1
