"""Phrases of which review texts are composed.

Placeholders: ``{noun}`` is the noun of the product, ``{very}`` an intensity or nothing, ``{whom}`` a person
or place, ``{number}`` a small number in words.
"""

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[np.object_]

ASPECTS = ("quality", "delivery", "price", "packaging", "service", "design")
# By aspect; then negative, neutral and positive.
CLAUSES: Texts = np.array(
    [
        [
            [
                "the {noun} feels {very}cheap",
                "the quality is {very}poor",
                "it broke within days",
                "it is not as sturdy as it looks",
                "the {noun} is {very}badly made",
            ],
            [
                "the quality is about what you would expect",
                "it is neither solid nor flimsy",
                "the {noun} is average",
                "the finish is acceptable",
                "it does what a {noun} does",
            ],
            [
                "the {noun} feels {very}solid",
                "the quality is {very}good",
                "it is {very}well made",
                "it is not flimsy at all",
                "it still looks new after weeks of daily use",
            ],
        ],
        [
            [
                "delivery was {very}slow",
                "it arrived two weeks late",
                "the parcel did not come on the day they promised",
                "nobody told me about the delay",
                "the courier left the {noun} in the rain",
            ],
            [
                "delivery took the usual time",
                "it came when they said",
                "delivery was neither fast nor slow",
                "the {noun} arrived within the week",
                "it came by ordinary post",
            ],
            [
                "delivery was {very}quick",
                "it arrived a day early",
                "the {noun} came {very}fast",
                "there was no delay at all",
                "the courier was {very}friendly",
            ],
        ],
        [
            [
                "it is {very}overpriced",
                "it is not worth the money",
                "the price is {very}steep",
                "you get such a {noun} for half elsewhere",
                "it is far from good value",
            ],
            [
                "the price is normal",
                "it costs what such a {noun} costs",
                "it is neither cheap nor dear",
                "the price is somewhere in the middle",
                "you get what you pay for",
            ],
            [
                "it is {very}good value",
                "it is worth every penny",
                "the price is {very}fair",
                "it is not expensive for what you get",
                "you will not find such a {noun} cheaper",
            ],
        ],
        [
            [
                "it was {very}badly packed",
                "the box was crushed",
                "the {noun} came without any padding",
                "there was far too much plastic",
                "the box was not even closed",
            ],
            [
                "the packaging was plain",
                "the {noun} came in an ordinary box",
                "the packaging was neither pretty nor ugly",
                "it was wrapped in paper",
                "the box is a box",
            ],
            [
                "it was {very}well packed",
                "the box was {very}pretty",
                "nothing was broken thanks to the packaging",
                "the {noun} came without needless plastic",
                "the wrapping was {very}charming",
            ],
        ],
        [
            [
                "the service was {very}rude",
                "nobody answers e-mails there",
                "they did not help with the {noun} at all",
                "the refund took {very}long",
                "customer service was no help",
            ],
            [
                "I did not need the service",
                "they answered after some days",
                "the service was as everywhere",
                "the reply was polite and short",
                "I had no contact with them about the {noun}",
            ],
            [
                "the service was {very}helpful",
                "they answered within the hour",
                "they replaced the {noun} without any fuss",
                "customer service was not pushy at all",
                "the people there are {very}kind",
            ],
        ],
        [
            [
                "the design is {very}dull",
                "the colours are {very}pale",
                "the {noun} looks nothing like the picture",
                "it is not as pretty as I had hoped",
                "the pattern is {very}ugly",
            ],
            [
                "the design is plain",
                "the colour is close to the picture",
                "it looks like any other {noun}",
                "the size is as described",
                "the pattern is a matter of taste",
            ],
            [
                "the design is {very}beautiful",
                "the colours are {very}lovely",
                "the {noun} looks even better than in the picture",
                "no visitor fails to ask about it",
                "it suits our home {very}well",
            ],
        ],
    ],
    dtype=object,
)
INTENSITIES: Texts = np.array(
    ["", "", "very ", "really ", "so ", "incredibly ", "surprisingly "], dtype=object
)
OPENINGS: Texts = np.array(
    [
        "",
        "",
        "",
        "bought this {noun} for my {whom}. ",
        "a present for my {whom}. ",
        "second order here. ",
        "ordered {number} of them. ",
        "I had been looking for a {noun} like this. ",
        "my honest opinion: ",
        "had it for {number} weeks now. ",
        "the {noun} has been in use for {number} months. ",
    ],
    dtype=object,
)
WHOM: Texts = np.array(
    ["mother", "sister", "neighbour", "kitchen", "office", "daughter", "holiday flat", "hallway"],
    dtype=object,
)
NUMBERS: Texts = np.array(["two", "three", "four", "six", "eight", "ten", "twelve"], dtype=object)
ENDINGS: Texts = np.array(
    [
        [
            "",
            "",
            " never again.",
            " I sent it back.",
            " save your money.",
            " such a pity.",
            " I expected more.",
        ],
        ["", "", " it will do.", " no strong feelings.", " fine for now.", " we shall see.", " that is all."],
        [
            "",
            "",
            " would buy again.",
            " recommended!",
            " my {whom} wants one too.",
            " thank you!",
            " so happy.",
        ],
    ],
    dtype=object,
)
EMOJI: Texts = np.array([[" 😡", " 👎", " 😞"], [" 🤷", " 😐", " 🙂"], [" 😍", " 👍", " 🎁"]], dtype=object)
