-- $1 seconds per recipe, $2 seconds else, $3 the shortest of them all, $4 how many at most
select r.job from result r
where r.ended_at < now() - make_interval(secs => $3)
    and r.ended_at < now() - make_interval(secs => coalesce(($1::json ->> r.recipe)::double precision, $2))
    and r.files_gone_at is not null
    and not exists (select from outbox o where o.job = r.job and o.sent_at is null and o.withdrawn_at is null)
order by r.ended_at limit $4
