-- row key: id
-- Rows that were not taken over: counted on the import, and kept one by one.
WITH events AS (
    SELECT event.position, event.time, event.id, event.data -> 'rows' AS rejected_rows
    FROM jsonb_to_recordset($1) AS event(position bigint, time timestamptz, id uuid, data jsonb)
),
rejections AS (
    INSERT INTO import_rejections (import_id, row_number, errors)
    SELECT DISTINCT ON (events.id, rejected."row") events.id, rejected."row", rejected.errors
    FROM events, jsonb_to_recordset(events.rejected_rows) AS rejected("row" bigint, errors jsonb)
    ORDER BY events.id, rejected."row"
    ON CONFLICT (import_id, row_number) DO UPDATE SET errors = excluded.errors
)
UPDATE imports SET
    state = CASE WHEN imports.ended_at IS NULL THEN 'running' ELSE imports.state END,
    errors = imports.errors + jsonb_array_length(events.rejected_rows),
    updated_at = events.time,
    position = events.position
FROM events
WHERE imports.id = events.id
