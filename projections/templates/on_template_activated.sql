-- row key: id
-- New issuances are drawn by this version.
UPDATE templates SET active_version = data.version, updated_at = event.time, position = event.position
FROM event, json_to_record(event.data) AS data(version integer)
WHERE templates.id = event.id
