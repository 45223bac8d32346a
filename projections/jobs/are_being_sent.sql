-- True if a mail waits for a worker or is being sent. The first condition selects the partial index.
SELECT EXISTS (SELECT FROM jobs WHERE stage <> 'sent' AND stage IN ('queued', 'claimed')) AS are_being_sent
