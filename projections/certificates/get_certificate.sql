-- One certificate. $1: id
SELECT * FROM certificates WHERE id = $1
