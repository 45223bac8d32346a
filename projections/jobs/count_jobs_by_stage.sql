-- Number of these jobs by stage. $1: their ids
SELECT stage, count(*) AS count FROM jobs WHERE id = ANY ($1::uuid[]) GROUP BY stage
