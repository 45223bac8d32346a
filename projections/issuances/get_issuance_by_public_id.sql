-- The issuance that the public knows by this id, without data from its mails. $1: public id
SELECT issuances.*, 0::bigint AS mails_position, false AS is_sent FROM issuances WHERE public_id = $1
