-- row key: id
-- Somebody said what people can earn.
INSERT INTO certificates (
    id, client, name, event_name, theme, theme_version, theme_options, design_key, design_sha256,
    event_link, sendgrid_template_id, issue_date, requires_document, locale, is_active,
    created_at, updated_at, created_position, position
)
SELECT
    event.id, data.client, data.name, data."eventName",
    data."pdfTemplate" ->> 'theme', (data."pdfTemplate" ->> 'version')::integer,
    coalesce(data."pdfTemplate" -> 'options', '{}'),
    data.design ->> 'key', data.design ->> 'sha256',
    data."eventLink", data."sendgridTemplateId", data."issueDate", coalesce(data."requiresDocument", true),
    data.locale, data."isActive",
    event.time, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    client text, name text, "eventName" text, "pdfTemplate" jsonb, design jsonb,
    "eventLink" text, "sendgridTemplateId" text, "issueDate" date, "requiresDocument" boolean, locale text, "isActive" boolean
)
ON CONFLICT (id) DO UPDATE SET
    client = excluded.client,
    name = excluded.name,
    event_name = excluded.event_name,
    theme = excluded.theme,
    theme_version = excluded.theme_version,
    theme_options = excluded.theme_options,
    design_key = excluded.design_key,
    design_sha256 = excluded.design_sha256,
    event_link = excluded.event_link,
    sendgrid_template_id = excluded.sendgrid_template_id,
    issue_date = excluded.issue_date,
    requires_document = excluded.requires_document,
    locale = excluded.locale,
    is_active = excluded.is_active,
    updated_at = excluded.updated_at,
    position = excluded.position
