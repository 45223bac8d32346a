CREATE TABLE sessions (
    id               uuid PRIMARY KEY,
    user_id          uuid NOT NULL,
    -- Epoch of the user when the session began. The session ends when the user's epoch increases.
    epoch            bigint NOT NULL,
    started_at       timestamptz NOT NULL,
    -- Time of the last refresh, or of the log-in.
    refreshed_at     timestamptz NOT NULL,
    -- Time at which its refresh token expires.
    expires_at       timestamptz NOT NULL,
    -- Latest possible end. A refresh doesn't extend it.
    ends_at          timestamptz NOT NULL,
    revoked_at       timestamptz,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX sessions_of_user ON sessions (user_id, created_position);
CREATE UNIQUE INDEX sessions_newest ON sessions (created_position);
