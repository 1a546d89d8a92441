delete from queue_turn q where turn < (select max(m.turn) from queue_turn m where m.queue = q.queue)
