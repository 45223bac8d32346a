-- Everything at a glance: one row.
SELECT
    coalesce(sum(count) FILTER (WHERE name = 'attendees'), 0)::bigint AS attendees,
    coalesce(sum(count) FILTER (WHERE name = 'certificates'), 0)::bigint AS certificates,
    coalesce(sum(count) FILTER (WHERE name = 'imports'), 0)::bigint AS imports,
    coalesce(sum(count) FILTER (WHERE name = 'batches'), 0)::bigint AS batches,
    coalesce(sum(count) FILTER (WHERE name = 'issuances'), 0)::bigint AS issuances,
    coalesce(sum(count) FILTER (WHERE name = 'issuances_generated'), 0)::bigint AS issuances_generated,
    coalesce(sum(count) FILTER (WHERE name = 'issuances_revoked'), 0)::bigint AS issuances_revoked,
    coalesce(sum(count) FILTER (WHERE name = 'mails'), 0)::bigint AS mails,
    coalesce(sum(count) FILTER (WHERE name = 'mails_sent'), 0)::bigint AS mails_sent,
    troubles.issuances_failed,
    troubles.mails_failed,
    troubles.mails_unknown
FROM (
    SELECT
        count(*) FILTER (WHERE kind = 'issuance_failed') AS issuances_failed,
        count(*) FILTER (WHERE kind = 'mail_failed') AS mails_failed,
        count(*) FILTER (WHERE kind = 'mail_unknown') AS mails_unknown
    FROM overview_troubles
) AS troubles
LEFT JOIN overview_counts ON true
GROUP BY troubles.issuances_failed, troubles.mails_failed, troubles.mails_unknown
