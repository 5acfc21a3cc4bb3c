"""JSON that is nearly what somebody expects: the right words in the wrong places."""

from hypothesis import strategies as st


def odd_json(words: str) -> st.SearchStrategy[object]:
    """Values whose keys, and some of whose texts, are among `words`."""
    word = st.sampled_from(words.split())
    texts = word | st.text(max_size=5)
    leaves = st.none() | st.booleans() | st.integers(-3, 2**53) | st.floats(allow_nan=False) | texts
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(word, inner, max_size=6),
        max_leaves=20,
    )
