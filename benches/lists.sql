-- Fills the tables of all lists with 1,000,000 rows each. The rows depend only on their numbers. Frequent and rare values
-- occur, values that only old rows have, and values that only new rows have.
CREATE TEMP TABLE words AS SELECT
    ARRAY['María', 'José', 'Juan', 'Ana', 'Luis', 'Carlos', 'Rosa', 'Jorge', 'Carmen', 'Pedro', 'Julia', 'Víctor', 'Elena',
        'Miguel', 'Lucía', 'Andrés', 'Sofía', 'Diego', 'Paula', 'Iván', 'Noemí', 'Óscar', 'Inés', 'Raúl'] AS first_names,
    ARRAY['García', 'Quispe', 'Flores', 'Sánchez', 'Rojas', 'Mamani', 'Ramos', 'Torres', 'Díaz', 'López', 'Castro', 'Ñahui',
        'Vargas', 'Chávez', 'Muñoz', 'Huamán', 'Espinoza', 'Cruz', 'Salazar', 'Ortiz', 'Paredes', 'Vega', 'O''Neil', 'Peña',
        'Ibáñez', 'Zúñiga', 'Arias', 'León', 'Bravo', 'Soto', 'Núñez', 'Ayala', 'Ríos', 'Luna', 'Campos', 'Silva', 'Reyes'
        ] AS last_names;

-- The order of `mixed` has nothing to do with that of `n`.
CREATE TEMP TABLE numbers AS
SELECT
    n, (n * 7919::bigint) % 1000003 AS mixed,
    timestamptz '2024-01-01 00:00+00' + n * interval '1 minute' AS made,
    CASE WHEN n % 100000 = 777 THEN 'Xiomara Wayqui'
        ELSE first_names[1 + (n * 7919::bigint) % 24] || ' ' || last_names[1 + (n * 104729::bigint) % 37] || ' '
            || last_names[1 + (n * 15485863::bigint / 37) % 37]
    END AS full_name
FROM generate_series(1, 1000000) AS n, words;
ANALYZE numbers;

INSERT INTO attendees (
    id, full_name, country, document_type, document_number, gender, email, import_id, import_row, created_at, updated_at,
    created_position, position
)
SELECT
    md5('a' || n)::uuid, full_name,
    CASE
        WHEN n % 200000 = 1 THEN 'Tuvalu'
        WHEN n BETWEEN 20000 AND 50000 THEN 'Ecuador'
        WHEN mixed % 1000 = 0 THEN 'Bhután'
        WHEN mixed % 10 < 6 THEN 'Perú'
        WHEN mixed % 10 < 8 THEN 'Chile'
        ELSE 'México'
    END,
    CASE
        WHEN n % 250000 = 1 THEN 'Carné'
        WHEN n BETWEEN 60000 AND 70000 THEN 'Cédula'
        WHEN mixed % 10 < 7 THEN 'DNI'
        ELSE 'Pasaporte'
    END,
    'D-' || n, NULL, 'person.' || n || '@example.com', md5('f' || (n + 4999) / 5000)::uuid, n % 5000, made, made,
    n * 10::bigint, CASE WHEN n % 20 = 0 THEN 10000000 + mixed ELSE n * 10::bigint END
FROM numbers;

INSERT INTO certificates (
    id, client, name, event_name, theme, theme_version, theme_options, requires_document, locale, is_active, created_at,
    updated_at, created_position, position
)
SELECT
    md5('c' || n)::uuid,
    CASE WHEN n % 200000 = 1 THEN 'Wayqui' ELSE 'Client ' || mixed % 2000 END,
    CASE WHEN n % 100000 = 777 THEN 'Xenology' ELSE 'Course ' || mixed END,
    'Event ' || n % 5000,
    CASE WHEN n % 250000 = 1 THEN 'rare' WHEN n BETWEEN 20000 AND 50000 THEN 'corporate' ELSE 'classic' END,
    1, '{}', false, CASE WHEN n % 200000 = 1 THEN 'en' ELSE 'es' END, n % 200000 <> 1, made, made, n * 10::bigint + 1,
    CASE WHEN n % 20 = 0 THEN 10000000 + mixed ELSE n * 10::bigint + 1 END
FROM numbers;

INSERT INTO issuances (
    id, certificate_id, attendee_id, batch_id, import_id, public_id, state, client, certificate_name, event_name, full_name,
    locale, issue_date, generated_at, created_at, updated_at, created_position, position
)
SELECT
    md5('i' || n)::uuid,
    -- Half of all are of one certificate, 100,000 old ones of another one.
    md5('c' || CASE WHEN n BETWEEN 100001 AND 200000 THEN 2 WHEN n / 1000 % 2 = 0 THEN 1 ELSE 3 + n / 1000 END)::uuid,
    md5('a' || n)::uuid, md5('b' || (n + 9999) / 10000)::uuid, md5('f' || (n + 4999) / 5000)::uuid, md5('p' || n),
    CASE
        WHEN n > 998000 THEN 'requested'
        WHEN n BETWEEN 300000 AND 310000 THEN 'failed'
        WHEN mixed % 200 = 0 THEN 'revoked'
        ELSE 'generated'
    END,
    'Acme', 'Speaker', 'Summit', full_name, 'es', (made AT TIME ZONE 'UTC')::date,
    CASE WHEN n <= 998000 AND n NOT BETWEEN 300000 AND 310000 THEN made END,
    made, made, n * 10::bigint + 2, n * 10::bigint + 3
FROM numbers;

INSERT INTO jobs (
    id, issuance_id, certificate_id, batch_id, is_replaced, to_name, to_address, stage, due_at, attempts, attempted_at,
    sent_at, created_at, updated_at, created_position, position
)
SELECT
    md5('j' || n)::uuid, md5('i' || n)::uuid,
    md5('c' || CASE WHEN n BETWEEN 100001 AND 200000 THEN 2 WHEN n / 1000 % 2 = 0 THEN 1 ELSE 3 + n / 1000 END)::uuid,
    md5('b' || (n + 9999) / 10000)::uuid, false, full_name, 'person.' || n || '@example.com',
    CASE
        WHEN n > 999000 THEN 'queued'
        WHEN n > 998000 THEN 'scheduled'
        WHEN n BETWEEN 400000 AND 450000 THEN 'held'
        WHEN n % 200000 = 1 THEN 'unknown'
        WHEN mixed % 200 = 0 THEN 'failed'
        WHEN mixed % 200 = 1 THEN 'cancelled'
        ELSE 'sent'
    END,
    CASE WHEN n BETWEEN 998001 AND 999000 THEN made END,
    1, made, made, made, made, n * 10::bigint + 4, n * 10::bigint + 5
FROM numbers;

INSERT INTO job_recipients (id, to_name, to_address, position) SELECT id, to_name, to_address, position FROM jobs;

INSERT INTO imports (
    id, state, object_key, format, sha256, size, update_existing, certificate_id, created_at, updated_at,
    created_position, position
)
SELECT
    md5('f' || n)::uuid,
    CASE WHEN n > 999990 THEN 'running' WHEN n % 200000 = 1 THEN 'cancelled' WHEN mixed % 20 = 0 THEN 'failed'
        ELSE 'completed' END,
    'expiring/imports/' || n, CASE WHEN n % 200000 = 1 THEN 'xls' WHEN n % 3 = 0 THEN 'xlsx' ELSE 'csv' END, md5('s' || n),
    1000, false, md5('c' || n % 1000)::uuid, made, made, n * 10::bigint + 6, n * 10::bigint + 7
FROM numbers;

INSERT INTO batches (id, certificate_id, state, total, import_id, created_at, updated_at, created_position, position)
SELECT
    md5('b' || n)::uuid, md5('c' || n % 1000)::uuid,
    CASE WHEN n > 999990 THEN 'requested' WHEN n % 200000 = 1 THEN 'undone' WHEN mixed % 20 = 0 THEN 'cancelled'
        ELSE 'dispatched' END,
    1000, md5('f' || n)::uuid, made, made, n * 10::bigint + 8, n * 10::bigint + 9
FROM numbers;
