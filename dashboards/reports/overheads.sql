-- title: Overheads
-- question: What was paid for beside the answers that were kept?
SELECT
    CASE
        WHEN purpose <> 'answer' THEN purpose
        WHEN status = 'accepted' THEN 'answers kept'
        WHEN status = 'rejected' AND handed_to IS NULL AND final THEN 'answers shown though rejected'
        WHEN status = 'rejected' THEN 'answers rejected'
        ELSE 'answers ' || status
    END AS what,
    sum(n)::BIGINT AS attempts,
    coalesce(sum(cost), 0)::HUGEINT AS spend_picodollars,
    sum(cost) / sum(sum(cost)) OVER () AS spend_share
FROM call_sums
GROUP BY what
ORDER BY spend_picodollars DESC, what;
