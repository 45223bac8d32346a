CREATE TABLE templates (
    id               uuid PRIMARY KEY,
    name             text NOT NULL,
    active_version   integer NOT NULL,
    versions         jsonb NOT NULL,
    is_retired       boolean NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- indexes
CREATE UNIQUE INDEX templates_newest ON templates (created_position);
