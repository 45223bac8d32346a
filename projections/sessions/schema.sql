CREATE TABLE sessions (
    id               uuid PRIMARY KEY,
    user_id          uuid NOT NULL,
    -- The user's epoch when it began; a later one of the user's has ended it.
    epoch            bigint NOT NULL,
    started_at       timestamptz NOT NULL,
    -- When its token was last exchanged, or it began.
    refreshed_at     timestamptz NOT NULL,
    -- Until when its refresh token counts.
    expires_at       timestamptz NOT NULL,
    -- When it is over however often it is refreshed.
    ends_at          timestamptz NOT NULL,
    revoked_at       timestamptz,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX sessions_of_user ON sessions (user_id, created_position);
