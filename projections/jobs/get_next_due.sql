-- Due time of the next scheduled or retrying job; no row without one.
SELECT due_at FROM jobs WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1
