-- What issuing a certificate to people would do now, person by person. $1: certificate id, $2: their ids
SELECT
    wanted.id,
    attendees.full_name,
    attendees.document_number,
    attendees.email,
    EXISTS (
        SELECT FROM issuances
        WHERE issuances.attendee_id = wanted.id AND issuances.certificate_id = $1::uuid
            AND issuances.state NOT IN ('revoked', 'failed')
    ) AS is_held
FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted(id, place)
LEFT JOIN attendees ON attendees.id = wanted.id
ORDER BY wanted.place
