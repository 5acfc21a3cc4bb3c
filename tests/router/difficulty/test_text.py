"""The whole session is read, in bounds, and nothing that a client put there."""

from router.difficulty.text import MOST, reading
from router.types import Turn


def test_every_message_of_the_person_is_read_and_no_other() -> None:
    turns = [
        Turn(role="system", text="You are Claude Code."),
        Turn(role="user", text="Prove Fermat's last theorem."),
        Turn(role="assistant", text="That is long."),
        Turn(role="user", text="go on"),
    ]
    assert reading(turns) == "Prove Fermat's last theorem.\n\ngo on"


def test_what_clients_add_is_left_out() -> None:
    text = (
        "x-anthropic-billing-header: cc_version=1\n"
        "<system-reminder>Use the tools.</system-reminder>\nFix the bug."
        '\n\nFunctions:\n[{"name": "grep"}]'
    )
    assert reading([Turn(role="user", text=text)]) == "Fix the bug."


def test_a_block_that_is_never_closed_stays() -> None:
    assert reading([Turn(role="user", text="What is <tools> in HTML?")]) == "What is <tools> in HTML?"


def test_huge_text_keeps_its_beginning_and_end_within_bounds() -> None:
    turns = [Turn(role="user", text="early " * 100_000), Turn(role="user", text=f"start{'x' * 1_000_000}end")]
    read = reading(turns)
    assert len(read) <= MOST + 10
    assert read.startswith("early")
    assert "start" in read
    assert read.endswith("end")


def test_a_conversation_without_a_person_is_read_as_it_is() -> None:
    assert reading([Turn(role="system", text="Summarise: a b c")]) == "Summarise: a b c"
    assert reading([]) == ""
