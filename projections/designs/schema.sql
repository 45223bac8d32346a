CREATE TABLE designs (
    id               uuid PRIMARY KEY,
    key              text NOT NULL,
    thumbnail_key    text NOT NULL,
    folder           text NOT NULL,
    client           text NOT NULL,
    name             text NOT NULL,
    description      text,
    original_name    text NOT NULL,
    size             bigint NOT NULL,
    mime_type        text NOT NULL,
    width            integer NOT NULL,
    height           integer NOT NULL,
    in_use           boolean NOT NULL,
    is_deleted       boolean NOT NULL,
    uploaded_at      timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX designs_newest ON designs (created_position);
