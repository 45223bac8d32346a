CREATE TABLE certificates (
    id                   uuid PRIMARY KEY,
    client               text NOT NULL,
    name                 text NOT NULL,
    event_name           text NOT NULL,
    theme                text NOT NULL,
    theme_version        integer NOT NULL,
    design_key           text,
    design_sha256        text,
    event_link           text,
    sendgrid_template_id text,
    locale               text NOT NULL,
    is_active            boolean NOT NULL,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    created_position     bigint NOT NULL,
    position             bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX certificates_newest ON certificates (created_position);
