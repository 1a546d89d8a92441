-- $1 how many at most
delete from act where id in (select id from act where begun_at < now() - interval '1 year' order by begun_at limit $1)
