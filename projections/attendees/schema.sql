-- Columns that end in _key are for searching and sorting, without accents, case and punctuation; `search_key` is
-- defined in src/projection/queries/search.rs.
CREATE TABLE attendees (
    id               uuid PRIMARY KEY,
    full_name        text NOT NULL,
    country          text,
    document_type    text,
    document_number  text,
    gender           text,
    email            text NOT NULL,
    import_id        uuid,
    import_row       integer,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL,
    name_key         text COLLATE "C" NOT NULL GENERATED ALWAYS AS (search_key(full_name)) STORED,
    email_key        text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(email)) STORED,
    document_key     text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        lower(coalesce(document_number || ' ' || translate(document_number, ' .-/', ''), ''))
    ) STORED
);

-- indexes
CREATE UNIQUE INDEX attendees_newest ON attendees (created_position);
CREATE INDEX attendees_changed ON attendees (position);
CREATE INDEX attendees_by_name ON attendees (name_key, created_position);
CREATE INDEX attendees_by_email ON attendees (email_key, created_position);
CREATE INDEX attendees_by_document ON attendees ((translate(lower(document_number), ' .-/', '')));
CREATE INDEX attendees_by_document_type ON attendees ((search_key(document_type)), created_position);
CREATE INDEX attendees_by_country ON attendees ((search_key(country)), created_position);
CREATE INDEX attendees_by_import ON attendees (import_id, created_position) WHERE import_id IS NOT NULL;
