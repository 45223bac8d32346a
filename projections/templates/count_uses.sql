-- How many certificates a theme draws. $1: the theme's name
SELECT count(*) AS uses FROM certificates WHERE theme = $1
