CREATE TABLE batches (
    id               uuid PRIMARY KEY,
    certificate_id   uuid NOT NULL,
    state            text NOT NULL CHECK (state IN (
        'requested', 'dispatched', 'cancelling', 'cancelled', 'undoing', 'undone'
    )),
    total            bigint NOT NULL,
    requested        bigint,
    existing         bigint,
    refused          bigint,
    -- For whom nothing could be issued: [{"attendeeId": "…", "code": "NOT_FOUND"}].
    refusals         jsonb NOT NULL DEFAULT '[]',
    -- For whom nothing was issued because the batch was stopped.
    left_out         bigint,
    -- The import whose people these are.
    import_id        uuid,
    undo_reason      text,
    undo_note        text,
    -- When it was cancelled or undone.
    stopped_at       timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX batches_newest ON batches (created_position);
CREATE INDEX batches_changed ON batches (position);
CREATE INDEX batches_by_state ON batches (state, created_position);
CREATE INDEX batches_by_certificate ON batches (certificate_id, created_position);
CREATE INDEX batches_by_import ON batches (import_id, created_position) WHERE import_id IS NOT NULL;
