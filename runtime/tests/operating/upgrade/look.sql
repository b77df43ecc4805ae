-- What a group has to do: ranges that are not at window $2 yet, and seconds until the next held event is due (null: none).
SELECT ARRAY(SELECT bucket_lo FROM eventwright.positions
              WHERE group_name = $1 AND (current IS NOT NULL OR done < $2) ORDER BY bucket_lo) AS ranges,
       (SELECT extract(epoch FROM min(greatest(due_at, leased_until)) - clock_timestamp())::double precision
          FROM eventwright.held
         WHERE group_name = $1 AND reason NOT IN ('behind', 'dead')
           AND (event_type || '/' || schema_version = ANY ($3) OR event_type || '/' || downcast_version = ANY ($3))) AS due_in
