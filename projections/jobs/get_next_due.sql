-- When the next scheduled or retrying job is due; no row without one.
SELECT due_at FROM jobs WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1
