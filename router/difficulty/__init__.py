"""The learned classifier: how likely each model is to answer a conversation adequately, before any is asked.

Text is read in bounds (`text.py`), hashed into words (`words.py`) and counted (`marks.py`);
`reader.py` makes a few traits of that, by networks that learnt what two hundred models find hard.
A model is a row of weights on these traits (`hierarchy.py`);
one that is not known stands where its size and price put it (`facts.py`).
`model.py` brings the two together.
Serving needs numpy alone. `training.py` is the one door to scikit-learn; `farthing evaluate` measures.
"""

from router.difficulty.artefact import load
from router.difficulty.model import Difficulty

__all__ = ["Difficulty", "load"]
