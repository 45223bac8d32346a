CREATE TABLE imports (
    id               uuid PRIMARY KEY,
    state            text NOT NULL CHECK (state IN (
        'requested', 'running', 'completed', 'failed', 'cancelling', 'cancelled'
    )),
    object_key       text NOT NULL,
    format           text NOT NULL,
    sha256           text NOT NULL,
    size             bigint NOT NULL,
    update_existing  boolean NOT NULL,
    certificate_id   uuid,
    through_row      bigint NOT NULL DEFAULT 0,
    -- Rows in the file; known at the end.
    total            bigint,
    created          bigint NOT NULL DEFAULT 0,
    updated          bigint NOT NULL DEFAULT 0,
    existing         bigint NOT NULL DEFAULT 0,
    -- Rows about a person whom an earlier row is about; known at the end.
    repeated         bigint,
    errors           bigint NOT NULL DEFAULT 0,
    associated       bigint NOT NULL DEFAULT 0,
    -- Rows that were imported with a warning; known at the end.
    warnings         bigint,
    -- Rows that were left because somebody cancelled it.
    left_rows        bigint,
    report_key       text,
    failure_code     text,
    failure_reason   text,
    ended_at         timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

CREATE TABLE import_rejections (
    import_id  uuid NOT NULL,
    row_number bigint NOT NULL,
    -- What is wrong, field by field: [{"field": "email", "code": "REQUIRED"}]; never the row's data.
    errors     jsonb NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (import_id, row_number)
);

-- People of an import who were known before it. Those whom it made known have its id in `attendees`.
CREATE TABLE import_known_people (
    import_id   uuid NOT NULL,
    attendee_id uuid NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (import_id, attendee_id)
);

-- indexes
CREATE UNIQUE INDEX imports_newest ON imports (created_position);
CREATE INDEX imports_changed ON imports (position);
CREATE INDEX imports_by_state ON imports (state, created_position);
CREATE INDEX imports_by_certificate ON imports (certificate_id, created_position) WHERE certificate_id IS NOT NULL;
CREATE INDEX imports_by_format ON imports (format, created_position);
