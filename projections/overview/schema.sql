-- Counts; each handler adds to its own or takes from it.
CREATE TABLE overview_counts (
    name     text PRIMARY KEY,
    count    bigint NOT NULL,
    position bigint NOT NULL
);

-- What has failed and not been put right since. Few rows, so that counting them is quick.
CREATE TABLE overview_troubles (
    id       uuid PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('issuance_failed', 'mail_failed', 'mail_unknown')),
    position bigint NOT NULL
);

-- indexes
CREATE INDEX overview_troubles_by_kind ON overview_troubles (kind);
