-- One API key. $1: id
SELECT
    api_keys.id, api_keys.name, api_keys.owner, api_keys.scopes, api_keys.expires_at,
    coalesce(api_keys.revoked_at, ended.ended_at) AS revoked_at,
    api_keys.created_at, api_keys.created_position, api_keys.position,
    CASE WHEN api_keys.revoked_at IS NULL THEN ended.position END AS ended_position
FROM api_keys LEFT JOIN LATERAL (
    SELECT key_endings.ended_at, key_endings.position FROM key_endings
    WHERE key_endings.user_id = api_keys.owner AND key_endings.epoch > api_keys.owner_epoch
    ORDER BY key_endings.epoch LIMIT 1
) AS ended ON true
WHERE api_keys.id = $1
