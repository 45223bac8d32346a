-- Unused tickets of event streams. A ticket is used by deleting its row. They live for 30 seconds,
-- so the log need not restore them.
CREATE TABLE stream_tickets (
    ticket_sha256 bytea PRIMARY KEY,
    user_id       uuid NOT NULL,
    -- The only path that the ticket opens.
    path          text NOT NULL,
    -- User, session, role and epoch of the access token with which it was requested.
    bearer        jsonb NOT NULL,
    expires_at    timestamptz NOT NULL
);

CREATE INDEX stream_tickets_by_user ON stream_tickets (user_id);
CREATE INDEX stream_tickets_by_expiry ON stream_tickets (expires_at);
