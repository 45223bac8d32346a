-- Columns that end in _key are for searching and sorting, without accents, case and punctuation; `search_key` is
-- defined in src/projection/queries/search.rs.
CREATE TABLE issuances (
    id               uuid PRIMARY KEY,
    certificate_id   uuid NOT NULL,
    attendee_id      uuid NOT NULL,
    batch_id         uuid,
    import_id        uuid,
    public_id        text NOT NULL,
    state            text NOT NULL CHECK (state IN ('requested', 'generated', 'failed', 'revoked')),
    client           text NOT NULL,
    certificate_name text NOT NULL,
    event_name       text NOT NULL,
    full_name        text NOT NULL,
    locale           text NOT NULL,
    issue_date       date NOT NULL,
    object_key       text,
    sha256           text,
    size             bigint,
    generated_at     timestamptz,
    failure_code     text,
    failure_reason   text,
    revoked_at       timestamptz,
    revocation_reason text,
    revocation_note  text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL,
    name_key         text COLLATE "C" NOT NULL GENERATED ALWAYS AS (search_key(full_name)) STORED
);

-- indexes
CREATE UNIQUE INDEX issuances_newest ON issuances (created_position);
CREATE INDEX issuances_by_public_id ON issuances (public_id);
CREATE INDEX issuances_by_attendee ON issuances (attendee_id, created_position);
CREATE INDEX issuances_by_certificate ON issuances (certificate_id, created_position);
CREATE INDEX issuances_by_batch ON issuances (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX issuances_unfinished ON issuances (state, created_position) WHERE state <> 'generated';
CREATE INDEX issuances_changed ON issuances (position);
CREATE INDEX issuances_by_name ON issuances (name_key, created_position);
CREATE INDEX issuances_by_import ON issuances (import_id, created_position) WHERE import_id IS NOT NULL;
