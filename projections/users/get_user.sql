-- One user. $1: id
SELECT * FROM users WHERE id = $1
