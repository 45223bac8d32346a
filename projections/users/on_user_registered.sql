-- row key: id
-- Somebody may log in from now on.
INSERT INTO users (
    id, user_name, name, last_name, email, role, password_hash, is_active, epoch,
    created_at, updated_at, created_position, position
)
SELECT
    event.id, data."userName", data.name, data."lastName", data.email, data.role, data."passwordHash", true, 0,
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    "userName" text, name text, "lastName" text, email text, role text, "passwordHash" text
)
ON CONFLICT (id) DO UPDATE SET
    user_name = excluded.user_name,
    name = excluded.name,
    last_name = excluded.last_name,
    email = excluded.email,
    role = excluded.role,
    password_hash = excluded.password_hash,
    is_active = excluded.is_active,
    epoch = excluded.epoch,
    updated_at = excluded.updated_at,
    position = excluded.position
