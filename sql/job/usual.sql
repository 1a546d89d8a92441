-- $1 recipe, $2 bytes. One byte more on both sides lets empty inputs compare too.
with last as materialized (
    select wall_seconds, abs(ln((input_bytes + 1)::double precision / ($2::bigint + 1))) as distance
    from result where recipe = $1 and state = 'succeeded' order by seq desc limit 200
), near as (
    select wall_seconds from last where distance <= ln(4.0) order by distance limit 15
)
select percentile_cont(0.5) within group (order by wall_seconds) from near having count(*) >= 3
