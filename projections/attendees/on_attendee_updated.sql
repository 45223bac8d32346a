-- row key: id
-- The event carries the whole person as known from then on.
UPDATE attendees SET
    full_name = data."fullName",
    country = data.country,
    document_type = data."documentType",
    document_number = data."documentNumber",
    gender = data.gender,
    email = data.email,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(
    "fullName" text, country text, "documentType" text, "documentNumber" text, gender text, email text
)
WHERE attendees.id = event.id
