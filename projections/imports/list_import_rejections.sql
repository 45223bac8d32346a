-- Rejected rows of one import, in the file's order. $1: import id, $2: after this row or null, $3: how many
SELECT row_number, errors FROM import_rejections
WHERE import_id = $1 AND row_number > coalesce($2::bigint, -1)
ORDER BY row_number
LIMIT $3::bigint
