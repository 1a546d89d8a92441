-- $1 seconds since it was used last, $2 how many at most
--
-- Looking for the jobs of a version walks all jobs of its recipe: only versions that were
-- not used for longer than rows are kept are asked about.
delete from declaration d where (d.recipe, d.version) in (
    select o.recipe, o.version from declaration o
    where o.used_at < now() - make_interval(secs => $1)
        and not exists (select from job j where j.recipe = o.recipe and j.recipe_version = o.version)
        and not exists (select from job j join attempt a on a.job = j.id
            where j.recipe = o.recipe and a.recipe_version = o.version)
        and not exists (select from job j join live_attempt a on a.job = j.id
            where j.recipe = o.recipe and a.recipe_version = o.version)
    order by o.used_at limit $2)
