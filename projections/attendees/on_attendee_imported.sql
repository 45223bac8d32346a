-- row key: id
-- A person became known; where it came from stays with the row.
INSERT INTO attendees (
    id, full_name, country, document_type, document_number, gender, email,
    import_id, import_row, created_at, updated_at, created_position, position
)
SELECT
    event.id, data."fullName", data.country, data."documentType", data."documentNumber", data.gender, data.email,
    CASE data.source ->> 'kind' WHEN 'import' THEN (data.source ->> 'id')::uuid END,
    CASE data.source ->> 'kind' WHEN 'import' THEN (data.source ->> 'row')::integer END,
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    "fullName" text, country text, "documentType" text, "documentNumber" text, gender text, email text,
    source jsonb
)
ON CONFLICT (id) DO UPDATE SET
    full_name = excluded.full_name,
    country = excluded.country,
    document_type = excluded.document_type,
    document_number = excluded.document_number,
    gender = excluded.gender,
    email = excluded.email,
    updated_at = excluded.updated_at,
    position = excluded.position
