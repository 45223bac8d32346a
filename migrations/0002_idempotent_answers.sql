-- Answers to requests that carried an Idempotency-Key, so that the same request gets the same answer.
-- A row without a status is a request that is still at work.
CREATE TABLE idempotent_answers (
    user_id     text NOT NULL,
    route       text NOT NULL,
    key         text NOT NULL,
    body_sha256 bytea NOT NULL,
    status      smallint,
    headers     jsonb,
    answer      bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, route, key)
);

CREATE INDEX idempotent_answers_by_expiry ON idempotent_answers (expires_at);
