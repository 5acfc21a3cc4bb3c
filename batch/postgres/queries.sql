-- What the store says to PostgreSQL; each statement has a name.

-- name: add_file
INSERT INTO files VALUES (%(id)s, %(purpose)s, %(name)s, %(size)s, %(created)s, %(owner)s, %(expires)s)

-- name: file
SELECT * FROM files WHERE id = %(id)s

-- name: files
SELECT * FROM files
WHERE owner IS NOT DISTINCT FROM %(owner)s::text
  AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)
  AND (%(after)s::text IS NULL OR (created, id) < (SELECT created, id FROM files WHERE id = %(after)s))
ORDER BY created DESC, id DESC
LIMIT %(limit)s

-- name: expired_files
SELECT * FROM files WHERE expires <= %(now)s LIMIT 100

-- name: drop_file
DELETE FROM files WHERE id = %(id)s

-- name: drop_chunks
DELETE FROM chunks WHERE file = %(id)s

-- name: read_chunks
SELECT bytes FROM chunks WHERE file = %(id)s ORDER BY number

-- name: drop_lost_chunks
-- Of an upload whose process died before it could add the file.
DELETE FROM chunks
WHERE kept < now() - interval '1 day' AND NOT EXISTS (SELECT FROM files WHERE id = chunks.file)

-- name: drop_old_log
-- pgqueuer notes three rows a job, and drops none.
DELETE FROM pgqueuer_log WHERE aggregated AND created < now() - interval '1 day'

-- name: add_batch
INSERT INTO batches (id, owner, state, said)
VALUES (%(id)s, %(owner)s, %(state)s, convert_from(%(row)s, 'UTF8'))

-- name: batch
SELECT turn, said AS row, state, total, completed, failed, dropped, spent FROM counted
WHERE id = %(id)s

-- name: lock_batch
SELECT turn FROM batches WHERE id = %(id)s FOR UPDATE

-- name: batches
SELECT turn, said AS row, state, total, completed, failed, dropped, spent FROM counted
WHERE owner IS NOT DISTINCT FROM %(owner)s::text
  AND (%(after)s::text IS NULL OR turn < (SELECT turn FROM batches WHERE id = %(after)s))
ORDER BY turn DESC
LIMIT %(limit)s

-- name: under_way
SELECT turn, said AS row, state, total, completed, failed, dropped, spent FROM counted
WHERE state IN ('validating', 'in_progress', 'cancelling', 'finalizing')
ORDER BY turn

-- name: save_batch
UPDATE batches SET state = %(state)s, said = convert_from(%(row)s, 'UTF8') WHERE id = %(id)s

-- name: turn
SELECT turn FROM batches WHERE id = %(id)s

-- name: tally
-- Once, after the lines are in; from then on a trigger keeps it.
INSERT INTO tallies (batch, share, total, failed)
SELECT batch, 0, count(*), count(*) FILTER (WHERE state = 3) FROM lines WHERE batch = %(turn)s GROUP BY batch

-- name: passed_over
SELECT job FROM lines WHERE job = ANY(%(jobs)s) AND state = 0 AND model = ANY(%(models)s)

-- name: claim
UPDATE lines SET state = 1, tries = tries + 1, worker = %(worker)s, sent = NULL, resigned = false
FROM batches
WHERE job = ANY(%(jobs)s) AND lines.state = 0 AND turn = batch AND batches.state = 'in_progress'
RETURNING lines.*, batches.id AS batch_id

-- name: sent
-- A line may ask two models at once, and an update touches a row once.
WITH ours AS (
    SELECT id, number, worker, tries, array_agg(model ORDER BY place) AS models
    FROM unnest(%(batches)s::text[], %(numbers)s::int[], %(workers)s::text[], %(tries)s::int[], %(models)s::text[])
        WITH ORDINALITY AS ours (id, number, worker, tries, model, place)
    GROUP BY id, number, worker, tries
)
UPDATE lines SET sent = sent || ours.models
FROM ours JOIN batches ON batches.id = ours.id
WHERE lines.batch = turn AND lines.number = ours.number
  AND lines.state = 1 AND lines.worker = ours.worker AND lines.tries = ours.tries

-- name: one_reserves
SELECT pg_advisory_xact_lock(26210, turn) FROM batches WHERE id = %(batch)s

-- name: standing
-- Whatever others do meanwhile than reserve, the sum of both does not grow by it.
SELECT spent, held FROM counted WHERE id = %(batch)s

-- name: hold
UPDATE lines SET held = held + %(amount)s
WHERE batch = (SELECT turn FROM batches WHERE id = %(batch)s)
  AND number = %(number)s AND state = 1 AND worker = %(worker)s AND tries = %(tries)s

-- name: settle
UPDATE lines SET held = greatest(held - %(amount)s, 0), paid = paid + %(cost)s
WHERE batch = (SELECT turn FROM batches WHERE id = %(batch)s)
  AND number = %(number)s AND state = 1 AND worker = %(worker)s AND tries = %(tries)s

-- name: complete
-- Only whoever holds the claim records a result, and so each line has one.
UPDATE lines
SET state = ours.state, status = ours.status, request_id = ours.request_id, answered_by = ours.model,
    attempts = ours.attempts, body = ours.body, worker = NULL, sent = NULL, held = 0, paid = 0,
    cost = CASE WHEN ours.cost IS NULL THEN lines.cost ELSE coalesce(lines.cost, 0) + ours.cost END
FROM unnest(
    %(batches)s::text[], %(numbers)s::int[], %(workers)s::text[], %(tries)s::int[],
    %(states)s::int[], %(statuses)s::int[], %(requests)s::text[], %(models)s::text[], %(attempts)s::int[],
    %(bodies)s::bytea[], %(costs)s::bigint[]
) WITH ORDINALITY
    AS ours (id, number, worker, tries, state, status, request_id, model, attempts, body, cost, place)
JOIN batches ON batches.id = ours.id
WHERE lines.batch = turn AND lines.number = ours.number
  AND lines.state = 1 AND lines.worker = ours.worker AND lines.tries = ours.tries
RETURNING ours.place, ours.state, job

-- name: spend
-- What was spent counts also for a line that was given up meanwhile.
UPDATE lines SET cost = coalesce(cost, 0) + %(cost)s
WHERE batch = (SELECT turn FROM batches WHERE id = %(batch)s) AND number = %(number)s

-- name: give_back
UPDATE lines
-- What is held for a lost call is the most it can have cost.
SET state = 0, worker = NULL, sent = NULL, resigned = false, held = 0, paid = 0,
    cost = CASE
        WHEN %(lost)s AND held + paid > 0
        THEN coalesce(cost, 0) + greatest(held + paid, coalesce(%(cost)s::bigint, 0))
        WHEN %(cost)s::bigint IS NOT NULL THEN coalesce(cost, 0) + %(cost)s
        ELSE cost
    END
WHERE batch = (SELECT turn FROM batches WHERE id = %(batch)s)
  AND number = %(number)s AND state = 1 AND worker = %(worker)s AND tries = %(tries)s
RETURNING job

-- name: claimed
SELECT job
FROM lines
JOIN batches ON turn = batch
JOIN unnest(%(batches)s::text[], %(numbers)s::int[], %(workers)s::text[], %(tries)s::int[])
    AS ours (id, number, worker, tries)
    ON ours.id = batches.id AND ours.number = lines.number
    AND ours.worker = lines.worker AND ours.tries = lines.tries
WHERE lines.state = 1

-- name: one_at_a_time
SELECT pg_advisory_xact_lock(26209, -1)

-- name: resign
UPDATE lines SET resigned = true WHERE state = 1 AND worker = %(worker)s

-- name: take_over
UPDATE lines SET worker = %(heir)s, resigned = false
FROM batches
WHERE turn = batch AND lines.state = 1
  AND (%(worker)s::text IS NULL OR worker = %(worker)s)
  AND (%(stale)s::bigint[] IS NULL OR resigned OR job = ANY(%(stale)s))
RETURNING lines.*, batches.id AS batch_id

-- name: waiting_jobs
SELECT id FROM pgqueuer
WHERE id IN (SELECT job FROM lines WHERE batch = %(turn)s AND state = 0)
FOR UPDATE SKIP LOCKED

-- name: drop_waiting
UPDATE lines SET state = 4, problem = %(problem)s
WHERE batch = %(turn)s AND state = 0 AND job = ANY(%(jobs)s)
RETURNING job

-- name: retry_failed
-- Lines that were wrong from the start have no status, and stay as they are.
UPDATE lines SET state = 0, status = NULL, problem = NULL, body = NULL
WHERE batch = %(turn)s AND (state = 4 OR (state = 3 AND status IS NOT NULL))
RETURNING number, place

-- name: give_jobs
UPDATE lines SET job = given.job
FROM unnest(%(numbers)s::int[], %(jobs)s::bigint[]) AS given (number, job)
WHERE batch = %(turn)s AND lines.number = given.number

-- name: forget_answers
UPDATE lines SET body = NULL WHERE batch = %(turn)s

-- name: forget_said_in
-- What stands in a file that a batch has written: its good lines, or the others.
-- Its name is looked for in the text: JSON with a NUL somewhere is none to PostgreSQL.
UPDATE lines SET body = NULL
FROM batches
WHERE batch = turn AND body IS NOT NULL
  AND ((position(%(output)s in said) > 0 AND lines.state = 2)
    OR (position(%(errors)s in said) > 0 AND lines.state <> 2))

-- name: good_results
SELECT * FROM lines WHERE batch = %(turn)s AND state = 2 AND body IS NOT NULL ORDER BY number

-- name: other_results
SELECT * FROM lines
WHERE batch = %(turn)s AND state IN (3, 4) AND (body IS NOT NULL OR problem IS NOT NULL)
ORDER BY number
