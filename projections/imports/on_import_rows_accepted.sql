-- row key: id
-- People of these rows are known now. Those who were known before are kept one by one; the others name the import
-- themselves.
WITH known AS (
    INSERT INTO import_known_people (import_id, attendee_id, position)
    SELECT DISTINCT ON (event.id, person.id) event.id, person.id::uuid, event.position
    FROM event, json_array_elements_text(coalesce(event.data -> 'known', '[]'::json)) AS person(id)
    ORDER BY event.id, person.id, event.position DESC
    ON CONFLICT (import_id, attendee_id) DO UPDATE SET position = excluded.position
)
UPDATE imports SET
    state = CASE WHEN imports.state = 'requested' THEN 'running' ELSE imports.state END,
    through_row = greatest(imports.through_row, data."throughRow"),
    created = imports.created + data.created,
    updated = imports.updated + data.updated,
    existing = imports.existing + coalesce(data.existing, 0),
    associated = imports.associated + json_array_length(data.earned),
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(
    "throughRow" bigint, created bigint, updated bigint, existing bigint, earned json
)
WHERE imports.id = event.id
