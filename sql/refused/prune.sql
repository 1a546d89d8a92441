-- $1 seconds, $2 how many at most
delete from refusal where id in (
    select id from refusal where refused_at < now() - make_interval(secs => $1) order by refused_at limit $2)
