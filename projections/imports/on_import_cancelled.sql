-- row key: id
-- Reading stopped because somebody wanted it; the counts of the end are the ones that count.
UPDATE imports SET
    state = 'cancelled',
    total = data.total,
    created = data.created,
    updated = data.updated,
    existing = coalesce(data.existing, 0),
    repeated = coalesce(data.repeated, 0),
    errors = data.errors,
    associated = data.associated,
    warnings = coalesce(data.warnings, 0),
    left_rows = data."left",
    report_key = data."reportKey",
    ended_at = event.time,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(
    total bigint, created bigint, updated bigint, existing bigint, repeated bigint, errors bigint, associated bigint, warnings bigint, "left" bigint, "reportKey" text
)
WHERE imports.id = event.id
