-- The ids of people who meet all that is given, in the order in which they became known. $1: how many;
-- each of these or null: $2 import id, $3 country, $4 part of name, e-mail address or document number,
-- $5 known since, $6 known before
SELECT attendees.id
FROM attendees
WHERE ($2::uuid IS NULL OR attendees.import_id = $2::uuid)
    AND ($3::text IS NULL OR lower(attendees.country) = lower($3::text))
    AND (
        $4::text IS NULL
        OR strpos(lower(attendees.full_name), lower($4::text)) > 0
        OR strpos(lower(attendees.email), lower($4::text)) > 0
        OR strpos(lower(attendees.document_number), lower($4::text)) > 0
    )
    AND ($5::timestamptz IS NULL OR attendees.created_at >= $5::timestamptz)
    AND ($6::timestamptz IS NULL OR attendees.created_at < $6::timestamptz)
ORDER BY attendees.created_position
LIMIT $1::bigint
