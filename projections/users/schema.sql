CREATE TABLE users (
    id               uuid PRIMARY KEY,
    user_name        text NOT NULL,
    name             text NOT NULL,
    last_name        text NOT NULL,
    email            text NOT NULL,
    role             text NOT NULL,
    -- PHC string (argon2id); never the password.
    password_hash    text NOT NULL,
    is_active        boolean NOT NULL,
    -- How often all sessions were ended: those begun in an earlier epoch are over.
    epoch            bigint NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position         bigint NOT NULL
);

-- Changes of a password that ended the user's API keys: those made in an earlier epoch.
CREATE TABLE key_endings (
    user_id  uuid NOT NULL,
    epoch    bigint NOT NULL,
    ended_at timestamptz NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (user_id, epoch)
);

-- indexes
CREATE UNIQUE INDEX users_newest ON users (created_position);
CREATE INDEX users_by_user_name ON users (lower(user_name));
CREATE INDEX users_by_email ON users (lower(email));
