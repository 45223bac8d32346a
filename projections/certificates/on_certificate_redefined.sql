-- row key: id
-- The event carries the whole definition as it is from then on.
UPDATE certificates SET
    client = data.client,
    name = data.name,
    event_name = data."eventName",
    theme = data."pdfTemplate" ->> 'theme',
    theme_version = (data."pdfTemplate" ->> 'version')::integer,
    theme_options = coalesce(data."pdfTemplate" -> 'options', '{}'),
    design_key = data.design ->> 'key',
    design_sha256 = data.design ->> 'sha256',
    event_link = data."eventLink",
    sendgrid_template_id = data."sendgridTemplateId",
    issue_date = data."issueDate",
    requires_document = coalesce(data."requiresDocument", true),
    locale = data.locale,
    is_active = data."isActive",
    updated_at = event.time,
    position = event.position
FROM event, json_to_record(event.data) AS data(
    client text, name text, "eventName" text, "pdfTemplate" jsonb, design jsonb,
    "eventLink" text, "sendgridTemplateId" text, "issueDate" date, "requiresDocument" boolean, locale text, "isActive" boolean
)
WHERE certificates.id = event.id
