-- Users who have a second factor. Beside `users`, because a user's version doesn't change with it.
CREATE TABLE second_factors (
    user_id  uuid PRIMARY KEY,
    position bigint NOT NULL
);
