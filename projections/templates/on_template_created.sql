-- row key: id
-- A template with its first version, which is the active one.
INSERT INTO templates (
    id, name, active_version, versions, is_retired, created_at, updated_at, created_position, position
)
SELECT
    event.id, data.name, 1,
    jsonb_build_array(jsonb_build_object(
        'version', 1, 'sha256', data."sourceSha256", 'size', data."sourceSize", 'addedAt', to_char(event.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )),
    false, event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(name text, "sourceSha256" text, "sourceSize" bigint)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    active_version = excluded.active_version,
    versions = excluded.versions,
    is_retired = excluded.is_retired,
    updated_at = excluded.updated_at,
    position = excluded.position
