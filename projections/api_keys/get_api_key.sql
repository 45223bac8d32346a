-- One API key. $1: id
SELECT * FROM api_keys WHERE id = $1
