-- One design. $1: id
SELECT * FROM designs WHERE id = $1 AND NOT is_deleted
