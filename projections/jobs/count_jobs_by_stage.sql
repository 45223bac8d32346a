-- In which stages these jobs are. $1: their ids
SELECT stage, count(*) AS count FROM jobs WHERE id = ANY ($1::uuid[]) GROUP BY stage
