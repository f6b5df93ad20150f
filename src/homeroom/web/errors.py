"""A change that Homeroom refuses, in a sentence for the person who asked for it."""


class Refused(Exception):  # noqa: N818 - the name is the sentence
    """`field` names the input that is wrong, where one is; nothing has been changed."""

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = str(sentence)
        self.field = field
