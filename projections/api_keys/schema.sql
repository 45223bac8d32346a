CREATE TABLE api_keys (
    id               uuid PRIMARY KEY,
    name             text NOT NULL,
    -- Whoever made it.
    owner            uuid NOT NULL,
    -- The owner's epoch when it was made; a new password ends keys of earlier epochs.
    owner_epoch      bigint NOT NULL,
    scopes           text[] NOT NULL,
    expires_at       timestamptz NOT NULL,
    revoked_at       timestamptz,
    created_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX api_keys_newest ON api_keys (created_position);
