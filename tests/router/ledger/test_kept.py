"""What the ledger took is kept a second time: each row once, within bounds."""

from router.ledger import keeping, kept, segments
from router.ledger.store import writing
from tests.support.entries import entries, entry
from tests.support.ledger import write


def test_many_segments_become_one_pack_and_none_counts_twice(ledger, monkeypatch):
    monkeypatch.setattr(kept, "PACK_FILES", 3)
    for number in range(4):
        write(ledger, entry(request_id=f"r{number}"))
    copies = {path: path.read_bytes() for path in segments.sealed(ledger.kept)}
    kept.tidy(ledger, kept.MOST_BYTES)
    assert segments.sealed(ledger.kept) == []
    # As if killed between the pack and letting go of what it was made of.
    for path, data in copies.items():
        path.write_bytes(data)

    held = kept.holding(ledger)

    assert (len(held.packs["ledger"]), held.segments["ledger"]) == (1, [])
    assert set(held.surplus) == set(copies)
    assert keeping.verify(ledger).wrong == ()


def test_a_ledger_of_an_older_farthing_gets_a_base_and_then_keeps_on(ledger):
    write(ledger, *entries(3))
    for path in ledger.kept.iterdir():
        path.unlink() if path.is_file() else [each.unlink() for each in path.iterdir()] and path.rmdir()
    write(ledger, entry(request_id="later"))

    held = kept.holding(ledger)

    assert held.manifest["tables"]["ledger"]["rows"] == 3
    assert len(held.segments["ledger"]) == 1
    assert keeping.verify(ledger).wrong == ()


def test_beyond_the_bound_the_oldest_goes_and_it_is_written_down(ledger, monkeypatch, caplog):
    monkeypatch.setattr(kept, "PACK_FILES", 1)
    for number in range(2):
        write(ledger, entry(request_id=f"r{number}"))
        kept.tidy(ledger, kept.MOST_BYTES)
    write(ledger, entry(request_id="r3"))
    size = max(pack.stat().st_size for pack in ledger.kept.glob("pack-*"))
    kept.tidy(ledger, 2 * size + 1)

    assert len(list(ledger.kept.glob("pack-*"))) == 2
    (gap,) = kept.missing(ledger)
    assert (gap.table, gap.since) == ("ledger", "2026-11-23T12:00:00.000000")
    assert "reached its bound" in caplog.text


def test_keeping_nothing_is_a_choice_that_can_be_taken_back(ledger):
    write(ledger, *entries(3))
    kept.tidy(ledger, 0)
    write(ledger, entry(request_id="a"))
    kept.tidy(ledger, 0)
    assert segments.sealed(ledger.kept) == []
    assert any("ledger_copy_gb is 0" in wrong for wrong in keeping.verify(ledger).wrong)

    kept.tidy(ledger, kept.MOST_BYTES)
    write(ledger, entry(request_id="b"))

    assert keeping.verify(ledger).wrong == ()


def test_rows_that_an_older_farthing_drained_are_kept_too_and_its_forgetting_doubles_nothing(ledger):
    write(ledger, *entries(3))
    with writing(ledger) as connection:
        # It knows nothing of what is kept: it forgets names after an hour, and unlinks what it drains.
        connection.execute("DELETE FROM drained")
        connection.execute(
            "INSERT INTO ledger BY NAME SELECT * REPLACE ('x' || request_id AS request_id) FROM ledger"
        )

    write(ledger, entry(request_id="later"))

    found = keeping.verify(ledger)
    assert (found.tables["ledger"].rows, found.wrong) == (7, ())
