-- What the group holds back of the events that it was given in what the log may have lost. Plan: repeats, and the group's part of held.
SELECT h.seq, h.event_id, h.subject
  FROM eventwright.held h
  JOIN eventwright.repeats r ON r.group_name = h.group_name AND r.event_id = h.event_id
 WHERE h.group_name = $1
 ORDER BY h.seq
