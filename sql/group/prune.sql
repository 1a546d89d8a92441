-- $1 seconds an empty group is kept, $2 how many at most
delete from job_group where id in (
    select g.id from job_group g
    where g.created_at < now() - make_interval(secs => $1)
        and not exists (select from job j where j.group_id = g.id)
    order by g.created_at limit $2)
