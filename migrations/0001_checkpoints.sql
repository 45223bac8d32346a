-- How far each projection is. One row per projection and fingerprint, so that an old and a new
-- program keep their own.
CREATE TABLE checkpoints (
    projection  text NOT NULL,
    fingerprint text NOT NULL,
    schema_name text NOT NULL UNIQUE,
    -- When the log was created that was read: another time means another log.
    log_created timestamptz NOT NULL,
    -- The last event that the rows contain; moves in the same transaction as the rows.
    position    bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    status      text NOT NULL DEFAULT 'building' CHECK (status IN ('building', 'live', 'stopped')),
    -- When it had caught up for the first time; until then nobody may read it.
    live_since  timestamptz,
    -- Why it stopped: position, event type and SQLSTATE, never data.
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, fingerprint)
);
