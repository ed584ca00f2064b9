"""Review texts composed of phrases, almost all of them different.

Most texts are hard to classify: many clauses negate their opposite ("not flimsy at all"), a quarter of the
clear opinions concede a point of the other side, and half of the neutral ones contrast two opinions.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from assets.metrics.arrays import Texts
from assets.sample_shop.world.shop import Bools, Ints

PHRASES = Path(__file__).with_name("phrases.yaml")
ALONE = "{main}."
ALIKE = ("{main} and {other}.", "{main}. {other}.", "{main}, {other}!", "{main}. Also, {other}.")
# The clause after "but" is the opinion.
CONCEDING = ("{other}, but {main}.", "although {other}, {main}.", "{main}, even if {other}.")
MIXED_SHARE, MIXED_NEUTRAL_SHARE = 0.25, 0.5
ALONE_SHARE, EMOJI_SHARE, TYPO_SHARE, LOWER_CASE_SHARE = 0.35, 0.08, 0.05, 0.06
SENTENCE_START = re.compile(r"(?:^|(?<=[.!:] ))[a-z]")


def texts_of(sentiments: Ints, nouns: Texts, rng: np.random.Generator) -> Texts:
    """Compose one text per opinion.

    Args:
        sentiments: -1 negative, 0 neutral, 1 positive, shape (reviews,).
        nouns: Noun of each product, shape (reviews,).
        rng: Random generator.

    Returns:
        Texts of one to four sentences, shape (reviews,).
    """
    whom, number, very, endings, openings = (
        _drawn(kind, sentiments, rng) for kind in ("whom", "numbers", "intensities", "endings", "openings")
    )
    patterns = openings + _opinions(sentiments, rng) + endings
    filled = [
        pattern.format(noun=noun, very=intensity, whom=person, number=amount)
        for pattern, noun, intensity, person, amount in zip(patterns, nouns, very, whom, number, strict=True)
    ]
    return _as_typed(filled, sentiments, rng)


@cache
def _phrases() -> Mapping[str, Texts]:
    """Phrases by kind: clauses by aspect and sentiment, endings and emoji by sentiment, others in a list."""
    document = yaml.safe_load(PHRASES.read_text(encoding="utf-8"))
    return {kind: np.array(_nested(found), dtype=object) for kind, found in document.items()}


def _nested(found: object) -> object:
    return [_nested(each) for each in found.values()] if isinstance(found, dict) else found


def _drawn(kind: str, sentiments: Ints, rng: np.random.Generator) -> Texts:
    """One phrase of ``kind`` per text: of all, or of those for its sentiment."""
    known = _phrases()[kind]
    choice = rng.integers(known.shape[-1], size=len(sentiments))
    chosen: Texts = known[choice] if known.ndim == 1 else known[sentiments + 1, choice]
    return chosen


def _opinions(sentiments: Ints, rng: np.random.Generator) -> Texts:
    """One or two clauses on different aspects, the second of which may concede something."""
    count = len(sentiments)
    aspects = len(_phrases()["clauses"])
    aspect = rng.integers(aspects, size=count)
    other_aspect = (aspect + rng.integers(1, aspects, size=count)) % aspects
    is_neutral = sentiments == 0
    is_mixed = rng.random(count) < np.where(is_neutral, MIXED_NEUTRAL_SHARE, MIXED_SHARE)
    # A neutral opinion is mixed when it praises one aspect and blames another.
    leaning = np.where(is_neutral & is_mixed, rng.choice([-1, 1], size=count), sentiments)
    main = _clauses(aspect, leaning, rng)
    other = _clauses(other_aspect, np.where(is_mixed, -leaning, leaning), rng)
    frames = _frames(is_mixed, rng)
    return _objects(
        [
            # The other placeholders are filled later, so ``format`` cannot be used here.
            frame.replace("{main}", one).replace("{other}", two)
            for frame, one, two in zip(frames, main, other, strict=True)
        ]
    )


def _clauses(aspect: Ints, leaning: Ints, rng: np.random.Generator) -> Texts:
    clauses = _phrases()["clauses"]
    chosen: Texts = clauses[aspect, leaning + 1, rng.integers(clauses.shape[2], size=len(aspect))]
    return chosen


def _frames(is_mixed: Bools, rng: np.random.Generator) -> Texts:
    count = len(is_mixed)
    alike = np.array(ALIKE, dtype=object)[rng.integers(len(ALIKE), size=count)]
    alike[rng.random(count) < ALONE_SHARE] = ALONE
    conceding = np.array(CONCEDING, dtype=object)[rng.integers(len(CONCEDING), size=count)]
    return np.where(is_mixed, conceding, alike)


def _as_typed(texts: list[str], sentiments: Ints, rng: np.random.Generator) -> Texts:
    """Capitalise ``texts``, and add an emoji, a typo or lower case to some."""
    count = len(texts)
    capital = [SENTENCE_START.sub(lambda found: found[0].upper(), text) for text in texts]
    typed: Texts = np.where(rng.random(count) < LOWER_CASE_SHARE, _objects(texts), _objects(capital))
    for number in np.flatnonzero(rng.random(count) < TYPO_SHARE):
        typed[number] = _with_typo(typed[number], rng)
    emoji = _drawn("emoji", sentiments, rng)
    emoji[rng.random(count) >= EMOJI_SHARE] = ""
    with_emoji: Texts = typed + emoji
    return with_emoji


def _objects(texts: list[str]) -> Texts:
    return np.array(texts, dtype=object)


def _with_typo(text: str, rng: np.random.Generator) -> str:
    """``text`` with two neighbouring characters swapped."""
    at = int(rng.integers(1, len(text) - 1))
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
