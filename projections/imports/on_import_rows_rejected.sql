-- row key: id
-- Rows that were not taken over: counted on the import, and kept one by one.
WITH rejections AS (
    INSERT INTO import_rejections (import_id, row_number, errors, position)
    SELECT DISTINCT ON (event.id, rejected."row") event.id, rejected."row", rejected.errors, event.position
    FROM event, json_to_recordset(event.data -> 'rows') AS rejected("row" bigint, errors jsonb)
    ORDER BY event.id, rejected."row"
    ON CONFLICT (import_id, row_number) DO UPDATE SET errors = excluded.errors, position = excluded.position
)
UPDATE imports SET
    state = CASE WHEN imports.state = 'requested' THEN 'running' ELSE imports.state END,
    errors = imports.errors + json_array_length(event.data -> 'rows'),
    updated_at = event.time,
    position = event.position
FROM event
WHERE imports.id = event.id
