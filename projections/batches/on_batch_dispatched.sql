-- row key: id
-- Every person of the batch has an issuance now, or was refused.
UPDATE batches SET
    state = 'dispatched',
    requested = data.requested,
    existing = data.existing,
    refused = jsonb_array_length(data.refused),
    refusals = data.refused,
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(requested bigint, existing bigint, refused jsonb)
WHERE batches.id = event.id
