-- $1 how many at most; a deleted job's files are removed on another way
select r.job from result r join job j on j.id = r.job
where r.files_gone_at is null and r.keep_until <= now() and j.deleted_at is null
order by r.keep_until limit $1
