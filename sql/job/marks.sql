-- What each lane begins with: the turn of the first job that could be claimed, and the
-- turn claimed last in the queue. Walks what is dead at the head of a lane.
select l.queue, l.priority,
    (select j.turn from job j where j.claimable and j.queue = l.queue and j.priority = l.priority
        order by j.turn, j.seq limit 1) as lowest,
    coalesce((select q.turn from queue_turn q where q.queue = l.queue order by q.turn desc limit 1), 0) as last
from lane l
