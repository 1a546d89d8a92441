-- $1 recipe, $2 bytes. One byte more on both sides lets empty inputs compare too.
--
-- Of the last successes those nearest in size are taken, and each is carried over to the
-- size asked for along the line of running time against size that fits them (both by
-- their logarithms: twice the bytes take 2^slope times as long, none at all to twice). The
-- median of that keeps single odd ones out.
with last as materialized (
    select ln(wall_seconds + 0.001) as took, ln(input_bytes + 1.0::double precision) as size,
        ln(input_bytes + 1.0::double precision) - ln($2::bigint + 1.0::double precision) as distance
    from result where recipe = $1 and state = 'succeeded' order by seq desc limit 200
), near as materialized (
    select took, size, distance from last where abs(distance) <= ln(4.0) order by abs(distance) limit 15
), line as (
    select least(1, greatest(0, coalesce(regr_slope(took, size), 0))) as slope from near
)
select greatest(0, exp(percentile_cont(0.5) within group (order by took - slope * distance)) - 0.001)
from near, line having count(*) >= 3
