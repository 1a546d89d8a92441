-- Whether an administrator ordered a drain that is heeded: no dispatcher that was seen lately
-- starts anything. One that was started after the order is not bound by it.
select exists (select from drain)
    and exists (select from dispatcher where seen_at > now() - interval '30 seconds' and state in ('draining', 'drained'))
    and not exists (select from dispatcher where seen_at > now() - interval '30 seconds' and state = 'serving')
