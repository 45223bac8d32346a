-- A user's sessions that can be refreshed, newest first. $1: user, $2: the time now, $3: cursor or null, $4: how many
SELECT sessions.* FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.user_id = $1
    AND sessions.revoked_at IS NULL
    AND sessions.expires_at > $2
    AND sessions.epoch >= users.epoch
    AND sessions.created_position < coalesce($3::bigint, 9223372036854775807)
ORDER BY sessions.created_position DESC
LIMIT $4::bigint
