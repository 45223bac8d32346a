CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    issuance_id      uuid NOT NULL,
    certificate_id   uuid NOT NULL,
    batch_id         uuid,
    -- Mail about the same issuance that this one replaces.
    previous         uuid,
    is_replaced      boolean NOT NULL,
    to_name          text NOT NULL,
    to_address       text NOT NULL,
    stage            text NOT NULL CHECK (stage IN ('queued', 'claimed', 'retrying', 'sent', 'failed', 'unknown', 'held', 'scheduled', 'cancelled')),
    -- Status in the API.
    status           text NOT NULL GENERATED ALWAYS AS (
        CASE stage
            WHEN 'sent' THEN 'sent'
            WHEN 'failed' THEN 'error'
            WHEN 'unknown' THEN 'error'
            WHEN 'cancelled' THEN 'cancelled'
            ELSE 'pending'
        END
    ) STORED,
    -- When it is to be sent, while it is scheduled, or sent again, while it is retrying.
    due_at           timestamptz,
    -- Why it was cancelled.
    cancel_reason    text,
    attempts         integer NOT NULL DEFAULT 0,
    message_id       text,
    attempted_at     timestamptz,
    error_message    text,
    answer           text,
    sent_at          timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- Texts that a search finds. Apart from `jobs`, because an index of words would get them again with each change of a job.
CREATE TABLE job_recipients (
    id         uuid PRIMARY KEY,
    to_name    text NOT NULL,
    to_address text NOT NULL,
    position   bigint NOT NULL
);

-- A handler finds the mail that replaces another one.
CREATE INDEX jobs_by_previous ON jobs (previous) WHERE previous IS NOT NULL;

-- Mails of each batch, without those that were replaced. Maintained by the triggers below, so the counts always match
-- the rows of `jobs`.
CREATE TABLE batch_mails (
    batch_id  uuid PRIMARY KEY,
    pending   bigint NOT NULL,
    sent      bigint NOT NULL,
    failed    bigint NOT NULL,
    cancelled bigint NOT NULL,
    position  bigint NOT NULL
);

-- Adds the rows of `changed` to the counts, multiplied by the argument: -1 for former rows, 1 for present ones.
CREATE FUNCTION count_batch_mails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batch_mails AS counted
    SELECT
        changed.batch_id,
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.status = 'pending' AND NOT changed.is_replaced),
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.status = 'sent' AND NOT changed.is_replaced),
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.status = 'error' AND NOT changed.is_replaced),
        TG_ARGV[0]::bigint * count(*) FILTER (WHERE changed.status = 'cancelled' AND NOT changed.is_replaced),
        max(changed.position)
    FROM changed
    WHERE changed.batch_id IS NOT NULL
    GROUP BY changed.batch_id
    ON CONFLICT (batch_id) DO UPDATE SET
        pending = counted.pending + excluded.pending,
        sent = counted.sent + excluded.sent,
        failed = counted.failed + excluded.failed,
        cancelled = counted.cancelled + excluded.cancelled,
        position = greatest(counted.position, excluded.position);
    RETURN NULL;
END
$$;
CREATE TRIGGER count_added AFTER INSERT ON jobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_batch_mails('1');
CREATE TRIGGER count_former AFTER UPDATE ON jobs REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_batch_mails('-1');
CREATE TRIGGER count_present AFTER UPDATE ON jobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_batch_mails('1');

-- indexes
CREATE UNIQUE INDEX jobs_newest ON jobs (created_position);
CREATE INDEX jobs_changed ON jobs (position);
CREATE INDEX jobs_by_issuance ON jobs (issuance_id);
CREATE INDEX jobs_by_certificate ON jobs (certificate_id, created_position);
CREATE INDEX jobs_by_batch ON jobs (batch_id, created_position) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_by_status ON jobs (status, created_position);
CREATE INDEX jobs_unsent ON jobs (stage, created_position) WHERE stage <> 'sent';
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_by_attempt ON jobs (attempted_at) WHERE attempted_at IS NOT NULL;

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
        EXECUTE $sql$CREATE INDEX job_recipients_by_word ON job_recipients USING gin ((' ' || search_key(to_name)) $sql$
            || class || $sql$, (lower(to_address)) $sql$ || class || ') WITH (gin_pending_list_limit = 256)';
    END IF;
END
$do$;
