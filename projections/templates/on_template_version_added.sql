-- row key: id
-- One more version; nothing uses it yet.
UPDATE templates SET
    versions = templates.versions || jsonb_build_array(jsonb_build_object(
        'version', data.version, 'sha256', data."sourceSha256", 'size', data."sourceSize", 'addedAt', to_char(event.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )),
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(version integer, "sourceSha256" text, "sourceSize" bigint)
WHERE templates.id = event.id
