-- Whether the work of a request was done. Such a row stays until it expires, also where no answer is kept.
ALTER TABLE idempotent_answers ADD COLUMN is_done boolean NOT NULL DEFAULT false;

UPDATE idempotent_answers SET is_done = true WHERE status IS NOT NULL;
