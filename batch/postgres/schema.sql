-- The batch store's tables (PostgreSQL), beside those of pgqueuer. Money is whole picodollars.
-- Text that callers write may hold a NUL, which `text` cannot: custom ids and models are bytes.
CREATE TABLE IF NOT EXISTS files (
    id text PRIMARY KEY,
    purpose text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    created bigint NOT NULL,  -- seconds since 1970, as every time that a caller sees
    owner text,
    expires bigint
);

CREATE TABLE IF NOT EXISTS chunks (
    file text NOT NULL,
    number integer NOT NULL,
    bytes bytea NOT NULL,
    kept timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file, number)
);
ALTER TABLE chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;  -- packing costs more than it saves on the way

CREATE TABLE IF NOT EXISTS batches (
    turn integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order in which they came
    id text NOT NULL UNIQUE,
    owner text,
    state text NOT NULL,
    said text NOT NULL  -- the rest, as JSON
);

CREATE INDEX IF NOT EXISTS batches_under_way ON batches (turn)
WHERE state IN ('validating', 'in_progress', 'cancelling', 'finalizing');

CREATE TABLE IF NOT EXISTS lines (
    batch integer NOT NULL,  -- batches.turn
    number integer NOT NULL,
    job bigint,  -- of pgqueuer, while the line waits or is claimed
    custom_id bytea,
    start bigint NOT NULL,
    length integer NOT NULL,
    model bytea NOT NULL,
    place integer NOT NULL,
    state smallint NOT NULL DEFAULT 0,  -- LineState
    tries integer NOT NULL DEFAULT 0,
    worker text,
    resigned boolean NOT NULL DEFAULT false,  -- whoever holds it is gone
    sent text[],  -- the models that this try has asked
    status integer,
    request_id text,
    answered_by text,
    attempts integer,
    cost bigint,  -- of all tries together; NULL: nothing known
    problem text,  -- a Problem, as JSON
    body bytea,
    held bigint NOT NULL DEFAULT 0,  -- the most that calls under way can cost, if the batch has a cap
    paid bigint NOT NULL DEFAULT 0,  -- what calls of this try have cost that are over
    PRIMARY KEY (batch, number)
);

CREATE INDEX IF NOT EXISTS lines_job ON lines (job) WHERE job IS NOT NULL;
CREATE INDEX IF NOT EXISTS lines_claimed ON lines (worker) WHERE state = 1;

-- Kept by a trigger, so that asking how far a batch is costs a few rows, whatever its size.
-- A connection counts in a row of its own, or nearly: with one row a batch, every result would wait
-- until the one before it is on the disk.
CREATE TABLE IF NOT EXISTS tallies (
    batch integer NOT NULL,
    share integer NOT NULL,
    total integer NOT NULL DEFAULT 0,
    completed integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    dropped integer NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (batch, share)
) WITH (fillfactor = 20);  -- written for each line: room to write it in place

CREATE OR REPLACE VIEW counted AS
SELECT batches.*, total, completed, failed, dropped, spent, held
FROM batches, LATERAL (
    SELECT
        coalesce(sum(total), 0)::int AS total,
        coalesce(sum(completed), 0)::int AS completed,
        coalesce(sum(failed), 0)::int AS failed,
        coalesce(sum(dropped), 0)::int AS dropped,
        coalesce(sum(spent), 0)::bigint AS spent,
        coalesce(sum(held), 0)::bigint AS held
    FROM tallies WHERE batch = turn
) AS tally;

CREATE OR REPLACE FUNCTION count_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tallies (batch, share, completed, failed, dropped, spent, held)
    SELECT
        batch,
        pg_backend_pid() % 32,
        sum((now.state = 2)::int - (was.state = 2)::int) AS completed,
        sum((now.state = 3)::int - (was.state = 3)::int) AS failed,
        sum((now.state = 4)::int - (was.state = 4)::int) AS dropped,
        sum(coalesce(now.cost, 0) - coalesce(was.cost, 0) + now.paid - was.paid) AS spent,
        sum(now.held - was.held) AS held
    FROM lines_new AS now JOIN lines_old AS was USING (batch, number)
    WHERE (now.state, now.cost, now.paid, now.held) IS DISTINCT FROM (was.state, was.cost, was.paid, was.held)
      AND NOT (now.state IN (0, 1) AND was.state IN (0, 1) AND now.cost IS NOT DISTINCT FROM was.cost
               AND now.paid = was.paid AND now.held = was.held)
    GROUP BY batch
    ORDER BY batch
    ON CONFLICT (batch, share) DO UPDATE SET
        completed = tallies.completed + excluded.completed,
        failed = tallies.failed + excluded.failed,
        dropped = tallies.dropped + excluded.dropped,
        spent = tallies.spent + excluded.spent,
        held = tallies.held + excluded.held;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER lines_counted AFTER UPDATE ON lines
REFERENCING NEW TABLE AS lines_new OLD TABLE AS lines_old
FOR EACH STATEMENT EXECUTE FUNCTION count_lines();

-- pgqueuer tells of every job that ends, and telling takes one lock of the whole server until it is on the disk.
ALTER TABLE pgqueuer DISABLE TRIGGER tg_pgqueuer_changed;

-- Whoever listens looks at once: for a batch that has come, was cancelled, or has ended.
CREATE OR REPLACE FUNCTION tell_of_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('farthing_batch', NEW.id);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER batches_told AFTER INSERT OR UPDATE OF state ON batches
FOR EACH ROW EXECUTE FUNCTION tell_of_batch();
