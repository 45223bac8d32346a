-- The indexes that reading needs are there: they are made before the last step to `live`, so that
-- nobody waits for them.
ALTER TABLE checkpoints ADD COLUMN indexed boolean NOT NULL DEFAULT false;
