-- row key: id
-- A person is known no longer.
DELETE FROM attendees USING event WHERE attendees.id = event.id
