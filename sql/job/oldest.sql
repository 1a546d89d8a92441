-- $1 how many at most, $2 seconds since the end
--
-- What somebody asked to keep goes last. Files that are still to be mailed, or that another
-- job waits for, stay.
select r.job from result r join job j on j.id = r.job
where r.files_gone_at is null and r.ended_at < now() - make_interval(secs => $2) and j.deleted_at is null
    and not exists (select from outbox o where o.job = r.job and o.attach and o.sent_at is null and o.withdrawn_at is null)
    and not exists (select from dependency d where d.needs = r.job and d.met_at is null and d.output is not null)
order by r.kept, r.ended_at limit $1
