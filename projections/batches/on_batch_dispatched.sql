-- row key: id
-- Every person of the batch has an issuance now, or was refused, or left because it was stopped.
UPDATE batches SET
    state = CASE WHEN batches.state = 'requested' THEN 'dispatched' ELSE batches.state END,
    requested = data.requested,
    existing = data.existing,
    refused = jsonb_array_length(data.refused),
    refusals = data.refused,
    left_out = coalesce(data."left", 0),
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(requested bigint, existing bigint, refused jsonb, "left" bigint)
WHERE batches.id = event.id
