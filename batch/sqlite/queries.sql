-- What the store says to SQLite; each statement has a name.

-- name: add_file
INSERT INTO files VALUES (:id, :purpose, :name, :size, :created, :owner, :expires);

-- name: file
SELECT * FROM files WHERE id = :id;

-- name: files
SELECT * FROM files
WHERE owner IS :owner
  AND (:purpose IS NULL OR purpose = :purpose)
  AND (:after IS NULL OR (created, id) < (SELECT created, id FROM files WHERE id = :after))
ORDER BY created DESC, id DESC
LIMIT :limit;

-- name: expired_files
SELECT * FROM files WHERE expires <= :now LIMIT 100;

-- name: drop_file
DELETE FROM files WHERE id = :id;

-- name: add_batch
INSERT INTO batches (id, owner, state, row) VALUES (:id, :owner, :state, :row);

-- name: add_tally
INSERT INTO tallies (batch) VALUES (:turn);

-- name: batch
SELECT turn, row, state, total, completed, failed, dropped, spent
FROM batches JOIN tallies ON batch = turn
WHERE id = :id;

-- name: batches
SELECT turn, row, state, total, completed, failed, dropped, spent
FROM batches JOIN tallies ON batch = turn
WHERE owner IS :owner
  AND (:after IS NULL OR turn < (SELECT turn FROM batches WHERE id = :after))
ORDER BY turn DESC
LIMIT :limit;

-- name: under_way
SELECT turn, row, state, total, completed, failed, dropped, spent
FROM batches JOIN tallies ON batch = turn
WHERE state IN ('validating', 'in_progress', 'cancelling', 'finalizing')
ORDER BY turn;

-- name: save_batch
UPDATE batches SET state = :state, row = :row WHERE id = :id;

-- name: turn
SELECT turn FROM batches WHERE id = :id;

-- name: in_progress
-- Somebody polls for a single request, and it would wait for long behind the lines of a file.
SELECT turn, id FROM batches
WHERE state = 'in_progress'
ORDER BY json_extract(CAST(row AS TEXT), '$.lane') IS NOT 'background', turn;

-- name: add_lines
INSERT INTO lines (batch, number, custom_id, start, length, model, place, state, problem) VALUES (?);

-- name: drop_lines
DELETE FROM lines WHERE batch = :turn;

-- name: tally
-- Once, after the lines are in; from then on a trigger keeps it.
UPDATE tallies
SET (total, failed) = (SELECT count(*), count(*) FILTER (WHERE state = 3) FROM lines WHERE batch = :turn)
WHERE batch = :turn;

-- name: next
-- In one row, as above; texts in hexadecimal, since JSON here ends at a NUL, which callers may write.
-- The lease of a line that waits is the time before which it is not taken.
SELECT json_group_array(json_array(number, hex(custom_id), start, length, hex(model), place, tries + 1))
FROM (
    SELECT * FROM lines
    WHERE batch = :turn AND state = 0 AND model NOT IN (SELECT value FROM json_each(:but))
      AND (lease IS NULL OR lease <= (julianday('now') - 2440587.5) * 86400)
    ORDER BY place LIMIT :limit
);

-- name: claim
UPDATE lines
SET state = 1, tries = tries + 1, worker = :worker, lease = (julianday('now') - 2440587.5) * 86400, sent = NULL
WHERE batch = :turn AND number IN (SELECT value FROM json_each(:numbers));

-- name: sent
UPDATE lines SET sent = json_insert(coalesce(sent, '[]'), '$[#]', :model)
WHERE batch = (SELECT turn FROM batches WHERE id = :batch)
  AND number = :number AND state = 1 AND worker = :worker AND tries = :tries;

-- name: standing
SELECT spent, held FROM tallies WHERE batch = (SELECT turn FROM batches WHERE id = :batch);

-- name: hold
UPDATE lines SET held = held + :amount
WHERE batch = (SELECT turn FROM batches WHERE id = :batch)
  AND number = :number AND state = 1 AND worker = :worker AND tries = :tries;

-- name: settle
UPDATE lines SET held = max(held - :amount, 0), paid = paid + :cost
WHERE batch = (SELECT turn FROM batches WHERE id = :batch)
  AND number = :number AND state = 1 AND worker = :worker AND tries = :tries;

-- name: held
-- In one row: at each of them others may run, while whoever wants to write waits.
WITH ours (place, id, number, worker, tries) AS (VALUES (?))
SELECT json_group_array(first)
FROM (
    SELECT min(ours.place) AS first
    FROM ours
    JOIN batches ON batches.id = ours.id
    JOIN lines ON lines.batch = turn AND lines.number = ours.number
    WHERE lines.state = 1 AND lines.worker = ours.worker AND lines.tries = ours.tries
    GROUP BY lines.batch, lines.number
);

-- name: complete
-- Only whoever holds the claim records a result, and so each line has one.
WITH ours (id, number, worker, tries, state, status, request_id, model, attempts, body, cost) AS (VALUES (?))
UPDATE lines
SET state = ours.state, status = ours.status, request_id = ours.request_id, answered_by = ours.model,
    attempts = ours.attempts, body = ours.body, worker = NULL, lease = NULL, sent = NULL, held = 0, paid = 0,
    cost = CASE WHEN ours.cost IS NULL THEN lines.cost ELSE coalesce(lines.cost, 0) + ours.cost END
FROM ours JOIN batches ON batches.id = ours.id
WHERE batch = turn AND lines.number = ours.number
  AND lines.state = 1 AND lines.worker = ours.worker AND lines.tries = ours.tries;

-- name: spend
-- What was spent counts also for a line that was given up meanwhile.
UPDATE lines SET cost = coalesce(cost, 0) + :cost
WHERE batch = (SELECT turn FROM batches WHERE id = :batch) AND number = :number;

-- name: give_back
UPDATE lines
-- What is held for a lost call is the most it can have cost.
SET state = 0, worker = NULL, lease = (julianday('now') - 2440587.5) * 86400 + :wait, sent = NULL, held = 0, paid = 0,
    cost = CASE
        WHEN :lost AND held + paid > 0 THEN coalesce(cost, 0) + max(held + paid, coalesce(:cost, 0))
        WHEN :cost IS NOT NULL THEN coalesce(cost, 0) + :cost
        ELSE cost
    END
WHERE batch = (SELECT turn FROM batches WHERE id = :batch)
  AND number = :number AND state = 1 AND worker = :worker AND tries = :tries;

-- name: renew
UPDATE lines SET lease = (julianday('now') - 2440587.5) * 86400
WHERE batch = (SELECT turn FROM batches WHERE id = :batch)
  AND number = :number AND state = 1 AND worker = :worker AND tries = :tries;

-- name: resign
UPDATE lines SET lease = 0 WHERE state = 1 AND worker = :worker;

-- name: take_over
UPDATE lines SET worker = :heir, lease = (julianday('now') - 2440587.5) * 86400
WHERE state = 1
  AND (:worker IS NULL OR worker = :worker)
  AND (:silent = 0 OR lease < (julianday('now') - 2440587.5) * 86400 - :silent)
RETURNING *, (SELECT id FROM batches WHERE turn = lines.batch) AS batch_id;

-- name: drop_waiting
UPDATE lines SET state = 4, problem = :problem, lease = NULL
WHERE batch = :turn
  AND number IN (SELECT number FROM lines WHERE batch = :turn AND state = 0 LIMIT :limit);

-- name: retry_failed
-- Lines that were wrong from the start have no status, and stay as they are.
UPDATE lines SET state = 0, status = NULL, problem = NULL, body = NULL
WHERE batch = :turn AND (state = 4 OR (state = 3 AND status IS NOT NULL));

-- name: forget_answers
UPDATE lines SET body = NULL WHERE batch = :turn;

-- name: said_in
-- What stands in a file that a batch has written: its good lines, or the others.
SELECT turn, output IS :id AS good, (SELECT max(number) FROM lines WHERE batch = turn) AS last
FROM (
    SELECT turn, json_extract(CAST(row AS TEXT), '$.output_file') AS output,
        json_extract(CAST(row AS TEXT), '$.error_file') AS errors
    FROM batches
)
WHERE :id IN (output, errors);

-- name: forget_some
UPDATE lines SET body = NULL
WHERE batch = :turn AND number BETWEEN :first AND :last AND (state = 2) = :good AND body IS NOT NULL;

-- name: good_results
SELECT * FROM lines WHERE batch = :turn AND state = 2 AND body IS NOT NULL ORDER BY number;

-- name: other_results
SELECT * FROM lines
WHERE batch = :turn AND state IN (3, 4) AND (body IS NOT NULL OR problem IS NOT NULL)
ORDER BY number;

-- name: by_model
SELECT answered_by AS model, state, attempts, count(*) AS lines, sum(cost) AS cost
FROM lines WHERE batch = :turn
GROUP BY answered_by, state, attempts;
