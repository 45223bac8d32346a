-- Searches use indexes of trigrams if the server has this extension and the user may create it. It is trusted, so CREATE on
-- the database is enough.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'without pg_trgm, a search reads all rows: %', SQLERRM;
END
$$;
