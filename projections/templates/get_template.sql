-- One template. $1: id
SELECT * FROM templates WHERE id = $1 AND NOT is_retired
