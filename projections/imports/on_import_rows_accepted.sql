-- row key: id
-- People of these rows are known now.
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
