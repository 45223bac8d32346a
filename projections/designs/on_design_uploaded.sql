-- row key: id
-- An image was stored. Its folder, without the year, is how the client is written in addresses.
INSERT INTO designs (
    id, key, thumbnail_key, folder, client, name, description, original_name, size, mime_type, width, height,
    in_use, is_deleted, uploaded_at, created_position, position
)
SELECT
    event.id, data.key, data."thumbnailKey", regexp_replace(split_part(data.key, '/', 3), '_-?[0-9]+$', ''),
    data.client, data.name, data.description, data."originalName", data.size, data."mimeType",
    data.width, data.height, false, false, event.time, event.position, event.position
FROM event, json_to_record(event.data) AS data(
    key text, "thumbnailKey" text, client text, name text, description text, "originalName" text,
    size bigint, "mimeType" text, width integer, height integer
)
ON CONFLICT (id) DO UPDATE SET
    key = excluded.key,
    thumbnail_key = excluded.thumbnail_key,
    folder = excluded.folder,
    client = excluded.client,
    name = excluded.name,
    description = excluded.description,
    original_name = excluded.original_name,
    size = excluded.size,
    mime_type = excluded.mime_type,
    width = excluded.width,
    height = excluded.height,
    in_use = excluded.in_use,
    is_deleted = excluded.is_deleted,
    uploaded_at = excluded.uploaded_at,
    position = excluded.position
