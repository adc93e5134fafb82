"""Phrases of many languages, looked for in what a text says in its own voice.

A pattern is written as its language spells it, with one space between words, and met with the phrase form of a text: its
normal form, where sentence ends and line breaks are " . " and other signs are spaces. What the text quotes, its code,
the lines of a dialogue and the body of a letter are other voices.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from cultivar.text.tokens import normal_form, normalize

Families = Mapping[str, Mapping[str, str]]
"""Language -> family -> pattern (Rust's syntax, lower case; it may end within a word, but begins with one)."""

FEW = "(?:[^ .]+ ){0,3}"
"""Up to three words."""
REST = "[^.]*"
"""The rest of the sentence."""
NEXT = r"(?:[^.]* \. )?[^.]*"
"""The rest of this sentence, or the beginning of the next."""

UNSPACED = frozenset({"Chinese", "Japanese", "Thai"})
SENTENCE_ENDS = r"\s*(?:[\p{Sentence_Terminal}\n\r]\s*)+"
SIGNS = r" *[^\p{L}\p{M}\p{N} .]+ *| {2,}"

WHOLLY_QUOTED = r"""\A\s*(?:"([^"]*)"|[“„«]([^“”„«»]*)[”“»]|「([^「」]*)」)\s*\z"""
QUOTED = (
    r'"[^"\n]*(?:"|\z)|“[^”\n]*(?:”|\z)|„[^“”\n]*(?:[“”]|\z)|«[^»\n]*(?:»|\z)|»[^«\n]*(?:«|\z)'
    r"|「[^」\n]*(?:」|\z)|『[^』\n]*(?:』|\z)|‘[^’\n]*(?:’|\z)|(?:^|\s)'[^'\n]*'|(?m:^\s*>[^\n]*)"
)
CODE = r"(?s:```.*?(?:```|\z))|`[^`\n]*`"
SPEAKER = r"(?m)^[ \t*_-]*[\p{L}\p{M}\p{N} .'’-]{1,30}[*_]*[:：][^\n]*"
"""A line that names its speaker; two of them are a dialogue."""
SALUTATIONS = (
    "dear|hi|hello|hey|estimad[oa]s?|querid[oa]s?|hola|ch[eè]re?s?|bonjour|sehr geehrter?|lieber?|hallo"
    "|prezad[oa]s?|car[oa]"
    "|olá|gentile|egregi[oa]|уважаем[а-я]+|дорог[а-я]+|عزيزي|عزيزتي|السيد|السادة|प्रिय|आदरणीय|sayın|sevgili"
    "|kính gửi|thân gửi"
    "|bạn|yth|kepada|halo|เรียน|ถึง|尊敬的|亲爱的|親愛的|拝啓|親愛なる|친애하는|존경하는"
)
SUBJECTS = "subject|asunto|objet|betreff|assunto|oggetto|тема|الموضوع|विषय|konu|chủ đề|tiêu đề|perihal|subjek|เรื่อง|主题|主旨|件名|제목"
LETTER = rf"(?ims)^[ \t*_]*(?:(?:{SALUTATIONS})[^\n.!?。！？]{{1,60}}[,:，：、!][*_ \t]*$|to whom it may concern|(?:{SUBJECTS})[*_]*[:：]).*"

REPORTED = (
    r"(?i)(?:\b(?:said|says|saying|replied|responded|answered|wrote|say (?:so|something|this|it)|something like"
    r"|(?:you|can|could|might|may|should|would|simply|just|politely) say|for (?:example|instance)|like this"
    r"|dijo|respondió|contestó|(?:puedes?|podrías?|puede usted) decir|por e(?:jemplo|xemplo)|(?:a|ont) dit|répondit"
    r"|répondu|(?:peux|pouvez|pourriez) dire|par exemple|sagte|antwortete|schrieb|(?:du|sie|man) sagen|zum beispiel"
    r"|disse|respondeu|pode dizer|rispose|puoi dire|(?:per|ad) esempio|сказал[аи]?|ответил[аи]?|можно сказать"
    r"|например|قالت?|مثلا|مثال|कहा|उदाहरण|dedi|örneğin|şöyle|nói rằng|ví dụ|berkata|misalnya|contoh)\b"
    r"|(?:可以|他|她|他们|这样|不妨)[说說]|例如|比如|答道|写道|言いました|例えば|次のように|말했다|예를 들어|다음과 같이"
    r"|พูดว่า|ตัวอย่าง)[^\n:：.]{0,40}[:：]\s*[^\n]*"
)
"""What someone says behind a colon."""
SAMPLES = r"(?m)\n[ \t]*(?:[-*+•]|\(?\p{Nd}{1,2}[.)、．）])[ \t]*[^\n]*"
"""Items of a list behind other lines: examples of phrases in a text about them."""


class Sought(NamedTuple):
    """Phrases to look for: in the first `chars` characters where given; `idioms`: a pattern of what is no such phrase,
    `others`: of further text in another voice, met with the text itself."""

    families: Families
    chars: int | None = None
    idioms: str = ""
    others: str = ""


def find_phrases(texts: pl.Series, families: Families, chars: int | None = None, idioms: str = "") -> pl.Series:
    """ "language, family" of the first family that a text's own voice meets, null for none (arguments: `Sought`)."""
    return find_each(texts, {"found": Sought(families, chars, idioms)})["found"]


def find_each(texts: pl.Series, kinds: Mapping[str, Sought]) -> pl.DataFrame:
    """A column as `find_phrases` gives it for each kind; the texts are read once."""
    form = phrase_form(texts)
    columns = {}
    for kind, (families, chars, idioms, others) in kinds.items():
        # Few texts meet a pattern at all; only they are asked for their own voice and for the family. A character is at
        # most three of the phrase form.
        opening = form if chars is None else form.str.slice(0, 3 * chars)
        places = opening.str.contains(any_of(families)).fill_null(False).arg_true()
        columns[kind] = pl.repeat(None, len(texts), dtype=pl.String, eager=True)
        if not len(places):  # compiling the patterns costs more than most texts
            continue
        unquoted = own_voice(texts.gather(places).str.replace(WHOLLY_QUOTED, "$1$2$3").str.slice(0, chars))
        own = phrase_form(unquoted.str.replace_all(others, " ") if others else unquoted)
        if idioms:
            own = own.str.replace_all(normal_form(idioms), " ")
        met = [
            pl.when(pl.col("text").str.contains(pattern)).then(pl.lit(name))
            for name, pattern in named_patterns(families)
        ]
        names = own.to_frame("text").with_columns(name=pl.coalesce(met))["name"]
        columns[kind] = columns[kind].scatter(places, names)
    return pl.DataFrame(columns)


def phrase_form(texts: pl.Series) -> pl.Series:
    """What patterns are met with: " . tokens of a sentence . tokens of the next . "."""
    ended = normalize(texts).str.replace_all(SENTENCE_ENDS, " . ").str.replace_all(SIGNS, " ")
    sentences = pl.format(" . {} . ", pl.col("text").str.strip_chars(" ."))
    return ended.to_frame("text").select(text=sentences)["text"]


def own_voice(texts: pl.Series) -> pl.Series:
    """The texts without what they quote, code, lines of a dialogue, and the body of a letter."""
    return (
        texts.str.replace_all(CODE, " ")
        .str.replace_all(QUOTED, " ")
        .str.replace(LETTER, " ")
        .to_frame("text")
        .select(
            pl.when(pl.col("text").str.count_matches(SPEAKER) >= 2)
            .then(pl.col("text").str.replace_all(SPEAKER, " "))
            .otherwise(pl.col("text"))
        )["text"]
    )


def named_patterns(families: Families) -> list[tuple[str, str]]:
    """("language, family", pattern in phrase form) of every family."""
    return [
        (f"{language}, {family}", spaced(language, pattern))
        for language, patterns in families.items()
        for family, pattern in patterns.items()
    ]


@lru_cache
def spaced(language: str, pattern: str) -> str:
    """The pattern in normal form; it begins where a word begins, if its language has spaces."""
    return f"{'' if language in UNSPACED else ' '}(?:{normal_form(pattern)})"


def any_of(families: Families) -> str:
    """One pattern for all families."""
    return "|".join(pattern for _, pattern in named_patterns(families))
