-- Columns that end in _key are for searching and sorting, without accents, case and punctuation; `search_key` is
-- defined in src/projection/queries/search.rs.
CREATE TABLE certificates (
    id                   uuid PRIMARY KEY,
    client               text NOT NULL,
    name                 text NOT NULL,
    event_name           text NOT NULL,
    theme                text NOT NULL,
    theme_version        integer NOT NULL,
    theme_options        jsonb NOT NULL,
    design_key           text,
    design_sha256        text,
    event_link           text,
    sendgrid_template_id text,
    issue_date           date,
    requires_document    boolean NOT NULL,
    locale               text NOT NULL,
    is_active            boolean NOT NULL,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    created_position     bigint NOT NULL,
    position             bigint NOT NULL,
    name_key             text COLLATE "C" NOT NULL GENERATED ALWAYS AS (search_key(name)) STORED,
    client_key           text COLLATE "C" NOT NULL GENERATED ALWAYS AS (search_key(client)) STORED,
    event_key            text COLLATE "C" NOT NULL GENERATED ALWAYS AS (search_key(event_name)) STORED
);

-- indexes
CREATE UNIQUE INDEX certificates_newest ON certificates (created_position);
CREATE INDEX certificates_changed ON certificates (position);
CREATE INDEX certificates_by_name ON certificates (name_key, created_position);
CREATE INDEX certificates_by_client ON certificates (client_key, created_position);
CREATE INDEX certificates_by_theme ON certificates (theme, created_position);
CREATE INDEX certificates_by_locale ON certificates (locale, created_position);
CREATE INDEX certificates_by_activity ON certificates (is_active, created_position);

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
        EXECUTE $sql$CREATE INDEX certificates_by_word ON certificates USING gin ((' ' || (name_key || ' ' || event_key || ' ' || client_key)) $sql$ || class
            || ') WITH (gin_pending_list_limit = 256)';
    END IF;
END
$do$;
