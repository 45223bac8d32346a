CREATE TABLE attendees (
    id               uuid PRIMARY KEY,
    full_name        text NOT NULL,
    country          text,
    document_type    text,
    document_number  text NOT NULL,
    gender           text,
    email            text NOT NULL,
    import_id        uuid,
    import_row       integer,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX attendees_newest ON attendees (created_position);
