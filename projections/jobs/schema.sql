CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    issuance_id      uuid NOT NULL,
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
    -- When it is to be sent, while it is scheduled.
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

-- indexes
CREATE UNIQUE INDEX jobs_newest ON jobs (created_position);
CREATE INDEX jobs_changed ON jobs (position);
CREATE INDEX jobs_by_issuance ON jobs (issuance_id);
CREATE INDEX jobs_by_status ON jobs (status, created_position);
CREATE INDEX jobs_unsent ON jobs (stage, created_position) WHERE stage <> 'sent';
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_by_attempt ON jobs (attempted_at) WHERE attempted_at IS NOT NULL;
