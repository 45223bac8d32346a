-- row key: id
-- A person is to get a certificate; what it shows is pinned.
INSERT INTO issuances (
    id, certificate_id, attendee_id, batch_id, import_id, public_id, state,
    client, certificate_name, event_name, full_name, locale, issue_date,
    created_at, updated_at, created_position, position
)
SELECT
    event.id, data."certificateId", data."attendeeId",
    (jsonb_path_query_first(data.origins, '$[*] ? (@.kind == "batch").id') #>> '{}')::uuid,
    (jsonb_path_query_first(data.origins, '$[*] ? (@.kind == "import").id') #>> '{}')::uuid,
    data."publicId", 'requested',
    data.client, data."certificateName", data."eventName", data."fullName", data.locale, data."issueDate",
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    "certificateId" uuid, "attendeeId" uuid, origins jsonb, "publicId" text,
    client text, "certificateName" text, "eventName" text, "fullName" text, locale text, "issueDate" date
)
ON CONFLICT (id) DO UPDATE SET
    certificate_id = excluded.certificate_id,
    attendee_id = excluded.attendee_id,
    batch_id = excluded.batch_id,
    import_id = excluded.import_id,
    public_id = excluded.public_id,
    client = excluded.client,
    certificate_name = excluded.certificate_name,
    event_name = excluded.event_name,
    full_name = excluded.full_name,
    locale = excluded.locale,
    issue_date = excluded.issue_date,
    updated_at = excluded.updated_at,
    position = excluded.position
