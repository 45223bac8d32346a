-- One attendee. $1: id
SELECT * FROM attendees WHERE id = $1
