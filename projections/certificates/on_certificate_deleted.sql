-- row key: id
-- Nobody can earn it any more.
DELETE FROM certificates USING event WHERE certificates.id = event.id
