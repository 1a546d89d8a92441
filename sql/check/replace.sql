-- $1 host, $2 topics, $3 levels, $4 texts, $5 remedies
with before as (
    delete from finding returning topic, level, since
)
insert into finding (host, topic, level, text, remedy, since)
select $1, topic, level, text, remedy,
    coalesce((select min(before.since) from before where before.topic = new.topic and before.level = new.level), now())
from unnest($2::text[], $3::text[], $4::text[], $5::text[]) with ordinality as new (topic, level, text, remedy, place)
order by place
