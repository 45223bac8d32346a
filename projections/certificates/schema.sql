-- Columns that end in _key are for searching and sorting, without accents and case; see `folded!` in
-- src/projection/queries/listing.rs.
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
    name_key             text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN octet_length(name) = char_length(name) THEN lower(name COLLATE "C")
        ELSE replace(translate(lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]+', '', 'g')), 'łøđħı', 'lodhi'), 'ß', 'ss') END
    ) STORED,
    client_key           text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN octet_length(client) = char_length(client) THEN lower(client COLLATE "C")
        ELSE replace(translate(lower(regexp_replace(normalize(client, NFKD), '[\u0300-\u036f]+', '', 'g')), 'łøđħı', 'lodhi'), 'ß', 'ss') END
    ) STORED,
    event_key            text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN octet_length(event_name) = char_length(event_name) THEN lower(event_name COLLATE "C")
        ELSE replace(translate(lower(regexp_replace(normalize(event_name, NFKD), '[\u0300-\u036f]+', '', 'g')), 'łøđħı', 'lodhi'), 'ß', 'ss') END
    ) STORED
);

-- indexes
CREATE UNIQUE INDEX certificates_newest ON certificates (created_position);
CREATE INDEX certificates_changed ON certificates (position);
CREATE INDEX certificates_by_name ON certificates (name_key, created_position);
CREATE INDEX certificates_by_client ON certificates (client_key, created_position);
