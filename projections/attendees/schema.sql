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

-- Without the extension pg_trgm, or without the right to use its schema, a search reads all rows.
DO $do$
DECLARE
    class text := (
        SELECT format('%I.%I', nspname, opcname)
        FROM pg_opclass JOIN pg_namespace ON pg_namespace.oid = opcnamespace
        WHERE opcname = 'gin_trgm_ops' AND has_schema_privilege(opcnamespace, 'USAGE')
        LIMIT 1
    );
BEGIN
    IF class IS NOT NULL THEN
        EXECUTE $sql$CREATE INDEX attendees_by_word ON attendees USING gin ((' ' || name_key) $sql$ || class
            || ') WITH (gin_pending_list_limit = 256)';
        EXECUTE $sql$CREATE INDEX attendees_by_code ON attendees USING gin ((email_key || E'\n' || document_key) $sql$ || class
            || ') WITH (gin_pending_list_limit = 256)';
    END IF;
END
$do$;
