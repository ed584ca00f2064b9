"""Review texts composed of phrases, almost all of them different.

Most texts are hard to classify: many clauses negate their opposite ("not flimsy at all"), a quarter of the
clear opinions concede a point of the other side, and half of the neutral ones contrast two opinions.
"""

import re

import numpy as np

from assets.sample_shop.reviews.phrases import (
    ASPECTS,
    CLAUSES,
    EMOJI,
    ENDINGS,
    INTENSITIES,
    NUMBERS,
    OPENINGS,
    WHOM,
    Texts,
)
from assets.sample_shop.world.shop import Bools, Ints

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
    count = len(sentiments)
    whom, number = WHOM[rng.integers(len(WHOM), size=count)], NUMBERS[rng.integers(len(NUMBERS), size=count)]
    very = INTENSITIES[rng.integers(len(INTENSITIES), size=count)]
    endings = ENDINGS[sentiments + 1, rng.integers(ENDINGS.shape[1], size=count)]
    patterns = OPENINGS[rng.integers(len(OPENINGS), size=count)] + _opinions(sentiments, rng) + endings
    filled = [
        pattern.format(noun=noun, very=intensity, whom=person, number=amount)
        for pattern, noun, intensity, person, amount in zip(patterns, nouns, very, whom, number, strict=True)
    ]
    return _as_typed(filled, sentiments, rng)


def _opinions(sentiments: Ints, rng: np.random.Generator) -> Texts:
    """One or two clauses on different aspects, the second of which may concede something."""
    count = len(sentiments)
    aspect = rng.integers(len(ASPECTS), size=count)
    other_aspect = (aspect + rng.integers(1, len(ASPECTS), size=count)) % len(ASPECTS)
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
    chosen: Texts = CLAUSES[aspect, leaning + 1, rng.integers(CLAUSES.shape[2], size=len(aspect))]
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
    emoji = EMOJI[sentiments + 1, rng.integers(EMOJI.shape[1], size=count)]
    emoji[rng.random(count) >= EMOJI_SHARE] = ""
    with_emoji: Texts = typed + emoji
    return with_emoji


def _objects(texts: list[str]) -> Texts:
    return np.array(texts, dtype=object)


def _with_typo(text: str, rng: np.random.Generator) -> str:
    """``text`` with two neighbouring characters swapped."""
    at = int(rng.integers(1, len(text) - 1))
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
