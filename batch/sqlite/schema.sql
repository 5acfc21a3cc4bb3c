-- The batch store's tables (SQLite, WAL). Times are seconds since 1970, money is whole picodollars.
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL,
    owner TEXT,
    expires INTEGER
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS batches (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they came
    id TEXT NOT NULL UNIQUE,
    owner TEXT,
    state TEXT NOT NULL,
    row TEXT NOT NULL  -- the rest, as JSON
);

CREATE INDEX IF NOT EXISTS batches_under_way ON batches (turn)
WHERE state IN ('validating', 'in_progress', 'cancelling', 'finalizing');

CREATE TABLE IF NOT EXISTS lines (
    batch INTEGER NOT NULL,  -- batches.turn
    number INTEGER NOT NULL,
    custom_id TEXT,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    model TEXT NOT NULL,
    place INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,  -- LineState
    tries INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease REAL,  -- when it was claimed or renewed
    sent TEXT,  -- the models that this try has asked, as JSON
    status INTEGER,
    request_id TEXT,
    answered_by TEXT,
    attempts INTEGER,
    cost INTEGER,  -- of all tries together; NULL: nothing known
    problem TEXT,  -- a Problem, as JSON
    body BLOB,
    held INTEGER NOT NULL DEFAULT 0,  -- the most that calls under way can cost, if the batch has a cap
    paid INTEGER NOT NULL DEFAULT 0,  -- what calls of this try have cost that are over
    PRIMARY KEY (batch, number)
) WITHOUT ROWID;

-- Small, since almost every line leaves them again.
DROP INDEX IF EXISTS lines_waiting;  -- of before lines were passed over by their model
CREATE INDEX IF NOT EXISTS lines_that_wait ON lines (batch, place, model) WHERE state = 0;
CREATE INDEX IF NOT EXISTS lines_claimed ON lines (lease) WHERE state = 1;

-- Kept by triggers, so that asking how far a batch is costs one row, whatever its size.
CREATE TABLE IF NOT EXISTS tallies (
    batch INTEGER PRIMARY KEY,
    total INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0
);

DROP TRIGGER IF EXISTS line_moves;  -- of before there were `held` and `paid`

CREATE TRIGGER IF NOT EXISTS line_counts AFTER UPDATE OF state, cost, held, paid ON lines
WHEN (OLD.state, OLD.cost, OLD.held, OLD.paid) IS NOT (NEW.state, NEW.cost, NEW.held, NEW.paid)
BEGIN
    UPDATE tallies SET
        completed = completed + (NEW.state = 2) - (OLD.state = 2),
        failed = failed + (NEW.state = 3) - (OLD.state = 3),
        dropped = dropped + (NEW.state = 4) - (OLD.state = 4),
        spent = spent + coalesce(NEW.cost, 0) - coalesce(OLD.cost, 0) + NEW.paid - OLD.paid,
        held = held + NEW.held - OLD.held
    WHERE batch = NEW.batch;
END;
