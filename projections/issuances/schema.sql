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

-- Issuances of each batch. Maintained by the triggers below, so the counts always match the rows of `issuances`.
CREATE TABLE batch_issuances (
    batch_id    uuid PRIMARY KEY,
    issued      bigint NOT NULL,
    generated   bigint NOT NULL,
    failed      bigint NOT NULL,
    revoked     bigint NOT NULL,
    -- Neither generated nor revoked.
    without_pdf bigint NOT NULL,
    position    bigint NOT NULL
);

-- Adds the rows of `changed` to the counts, multiplied by the argument: -1 for former rows, 1 for present ones.
CREATE FUNCTION count_batch_issuances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batch_issuances AS counted
    SELECT
        changed.batch_id,
        TG_ARGV[0]::bigint * count(*),
        TG_ARGV[0]::bigint * count(changed.generated_at),
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.state = 'failed'),
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.state = 'revoked'),
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.state IN ('requested', 'failed')),
        max(changed.position)
    FROM changed
    WHERE changed.batch_id IS NOT NULL
    GROUP BY changed.batch_id
    ON CONFLICT (batch_id) DO UPDATE SET
        issued = counted.issued + excluded.issued,
        generated = counted.generated + excluded.generated,
        failed = counted.failed + excluded.failed,
        revoked = counted.revoked + excluded.revoked,
        without_pdf = counted.without_pdf + excluded.without_pdf,
        position = greatest(counted.position, excluded.position);
    RETURN NULL;
END
$$;
CREATE TRIGGER count_added AFTER INSERT ON issuances REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_batch_issuances('1');
CREATE TRIGGER count_former AFTER UPDATE ON issuances REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_batch_issuances('-1');
CREATE TRIGGER count_present AFTER UPDATE ON issuances REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_batch_issuances('1');

-- indexes
CREATE UNIQUE INDEX issuances_newest ON issuances (created_position);
CREATE INDEX issuances_by_public_id ON issuances (public_id);
CREATE INDEX issuances_by_attendee ON issuances (attendee_id, created_position);
CREATE INDEX issuances_by_certificate ON issuances (certificate_id, created_position);
CREATE INDEX issuances_by_batch ON issuances (batch_id, created_position) WHERE batch_id IS NOT NULL;
CREATE INDEX issuances_unfinished ON issuances (state, created_position) WHERE state <> 'generated';
CREATE INDEX issuances_changed ON issuances (position);
CREATE INDEX issuances_by_name ON issuances (name_key, created_position);
CREATE INDEX issuances_by_issue_date ON issuances (issue_date, created_position);
CREATE INDEX issuances_by_import ON issuances (import_id, created_position) WHERE import_id IS NOT NULL;

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
        EXECUTE $sql$CREATE INDEX issuances_by_word ON issuances USING gin ((' ' || name_key) $sql$ || class
            || ') WITH (gin_pending_list_limit = 256)';
    END IF;
END
$do$;
