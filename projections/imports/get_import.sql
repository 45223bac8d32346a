-- One import. $1: id
SELECT * FROM imports WHERE id = $1
