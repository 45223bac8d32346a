-- When each API key was used last, to within some minutes: too often for the log, which therefore
-- can't restore it.
CREATE TABLE api_key_uses (
    api_key_id   uuid PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);
