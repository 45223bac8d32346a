-- Issuances of a batch in the order in which they were asked for, and whether each has a valid PDF.
-- $1: batch id, $2: how many to skip, $3: how many to list
SELECT issuances.id, issuances.full_name, issuances.state = 'generated' AS has_file
FROM issuances
WHERE issuances.batch_id = $1
ORDER BY issuances.created_position
OFFSET $2
LIMIT $3
