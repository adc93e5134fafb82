"""Books of any language, laid out in any way, become passages; nothing of their text is lost, and no list is a chapter."""

import time
from pathlib import Path

import pytest

from stages.curation.readers.books import FRONT, SHORT, joined, read_passages, word_runs, words_in
from stages.curation.readers.chapters import label_of

BODY = "\n\n".join(f"The boat went out {n} times, and each time it came back with a smaller catch." for n in range(8))
LINES = "\n\n".join(["船出去了。风很大，浪也高。", "他们在岸上等。"] * 40)
"""Words of BODY and lines of LINES are enough for a chapter, whether a word is a run between spaces or a character."""


def cuts(folder: Path, text: str, least: int = 1, most: int = 400, encoding: str | None = None):
    path = folder / "book.txt"
    path.write_bytes(text.encode(encoding or "utf-8"))
    return list(read_passages(path, least, most, encoding))


def sections(folder: Path, text: str) -> list[str]:
    """Sections in order, without repetition."""
    return list(dict.fromkeys(cut.section for cut in cuts(folder, text) if not cut.fault))


HEADS = [
    ("CHAPTER I.", "Chapter 2", "Chapter Three. The Sea", "CHAPTER IV—Of Salt", "Book the First", "Act 1", "Letter 4"),
    (
        "Kapitel 1",
        "Erstes Kapitel",
        "2. Kapitel: Die See",
        "Zweiter Teil",
        "II. Teil",
        "Dritter Aufzug",
        "Kapitel drei",
    ),
    ("Chapitre premier", "CHAPITRE II", "Première partie", "Deuxième partie", "Chapitre 3. La mer", "Livre premier"),
    ("Capítulo I", "CAPÍTULO 2. El mar", "Capitulo tercero", "Primera parte", "Acto segundo", "Jornada primera"),
    ("Capítulo primeiro", "Capítulo II", "Segunda parte", "Livro terceiro"),
    ("Capitolo primo", "Capitolo II", "Parte seconda", "Canto III"),
    ("Hoofdstuk 1", "Eerste deel", "Hoofdstuk twee"),
    ("Kapitel 1", "Första kapitlet", "Del II"),
    ("Rozdział pierwszy", "Rozdział II", "Część druga", "Kapitola 1", "Kniha první"),
    ("Глава 1", "ГЛАВА II", "Глава первая", "Часть вторая. Море", "Действие третье", "Розділ 1"),
    ("Κεφάλαιο 1", "ΚΕΦΑΛΑΙΟ Β΄", "Μέρος πρώτο"),
    ("Birinci Bölüm", "Bölüm 2", "3. Bölüm"),
    ("I. fejezet", "Első fejezet", "Luku 1", "Ensimmäinen luku"),
    ("Bab 1", "BAB II", "Kabanata 1"),
    ("Chương 1", "Chương một", "Chương thứ nhất", "Hồi thứ hai", "Phần II"),
    ("第一章", "第1回", "第十二回　風雪の夜", "第 3 章 海", "第二十话", "第三卷", "序章", "第一幕"),
    ("第一章　海", "プロローグ", "第二話", "第３章"),
    ("제1장", "제 2 장 바다", "제삼장", "프롤로그"),
    ("บทที่ 1", "บทที่ ๒ ทะเล", "ตอนที่ 3"),
    ("الفصل الأول", "الفصل ٢", "الباب الثاني: البحر", "الجزء الأول"),
    ("فصل اول", "فصل ۲", "بخش دوم"),
    ("פרק א", "פרק ראשון", "פרק 3"),
    ("अध्याय 1", "पहला अध्याय", "अध्याय २: समुद्र", "भाग 3"),
    ("অধ্যায় ১", "அத்தியாயம் 1"),
    ("Prologue", "EPILOGUE", "Preface.", "Vorwort", "Épilogue", "Пролог", "Prólogo"),
]


@pytest.mark.parametrize("head", [head for heads in HEADS for head in heads])
def test_heads_of_many_languages(tmp_path, head):
    assert label_of(head), head
    text = f"{head}\n\n{BODY}\n\n{head} \n\n{LINES}\n"
    assert sections(tmp_path, text) == [head]
    assert sections(tmp_path, f"{LINES}\n\n{head}\n\n{BODY}\n") == ["", head]


@pytest.mark.parametrize(
    "line",
    [
        "Part two was harder.",
        "Part one of the plan was simple, and so was part two.",
        "Chapter and verse",
        "Act as if nothing had happened.",
        "Letter after letter came.",
        "I book a room.",
        "One letter came.",
        "Une lettre arriva.",
        "Глава семьи молчал.",
        "Teil des Plans war alles.",
        "第一章讲的是海。",
        "第一次见面",
        "제일 좋은 날",
        "The third part was the worst,",
        "Chapter 1 and all that follows it in this very long line, which goes on and on until nobody takes it for a head of a chapter any more",
        "Prefaces",
        "",
        "12",
    ],
)
def test_sentences_are_no_heads(line):
    assert label_of(line) is None


def test_a_sentence_that_begins_a_paragraph_is_no_head(tmp_path):
    prose = "Chapter 5 The\n" + "\n".join(["and so it went on for many lines that belong together"] * 9)
    assert sections(tmp_path, f"Chapter 1\n\n{BODY}\n\n{prose}\n\n{BODY}\n") == ["Chapter 1"]
    middle = "he opened the book at\nChapter 5\nand read " + "and read " * 60
    assert sections(tmp_path, f"Chapter 1\n\n{BODY}\n\n{middle}\n\n{BODY}\n") == ["Chapter 1"]


def test_a_book_whose_only_divisions_are_blank_lines(tmp_path):
    found = cuts(tmp_path, BODY, most=30)
    assert {cut.section for cut in found} == {""} and not any(cut.fault for cut in found)
    assert " ".join(cut.text for cut in found).split() == BODY.split()


@pytest.mark.parametrize(
    "numbers", [["I", "II", "III"], ["1.", "2.", "3."], ["一", "二", "三"], ["I.", "II.", "I.", "II."]]
)
def test_numbers_alone_are_heads_where_they_count(tmp_path, numbers):
    text = "\n\n".join(f"{number}\n\n{BODY.replace('boat', f'boat {n}')}" for n, number in enumerate(numbers))
    assert sections(tmp_path, text) == list(dict.fromkeys(numbers))
    found = [cut.text for cut in cuts(tmp_path, text)]
    assert len(found) == len(numbers)


@pytest.mark.parametrize("numbers", [["7", "12"], ["I", "V"], ["3", "4", "5"], ["1"]])
def test_numbers_that_do_not_count_are_text(tmp_path, numbers):
    assert sections(tmp_path, "\n\n".join(f"{number}\n\n{BODY}" for number in numbers)) == [""]


@pytest.mark.parametrize("number", ["十", "十一", "二十", "九"])
def test_chinese_numbers_count(tmp_path, number):
    digits = "一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八 十九 二十 二十一".split()
    text = "\n\n".join(f"{digit}\n\n{BODY}" for digit in digits)
    assert number in sections(tmp_path, text)


def test_a_list_of_contents_is_no_chapter(tmp_path):
    contents = "CONTENTS\n\nCHAPTER I. The Sea\nCHAPTER II. The Land\n"
    preface = "This book was written in a winter by the sea, when there was nothing else to do. " * 8
    body = f"CHAPTER I\nThe Sea\n\n{BODY}\n\nCHAPTER II\nThe Land\n\n{BODY.replace('boat', 'cart')}\n"
    for between in ("", f"{preface}\n\n"):
        found = cuts(tmp_path, f"A TALE\n\nby A. Nemo\n\n{contents}\n{between}{body}")
        kept = [cut for cut in found if not cut.fault]
        assert [cut.section for cut in kept] == ([""] if between else []) + ["CHAPTER I", "CHAPTER II"]
        assert not any("CONTENTS" in cut.text for cut in kept)
        (front,) = [cut for cut in found if cut.fault == FRONT]
        assert front.words == words_in(f"A TALE by A. Nemo {contents}") and front.line == 1
        assert (kept[0].text == preface.strip()) == bool(between)


def test_chapters_that_begin_again_in_a_second_part_are_kept(tmp_path):
    text = "".join(
        f"PART {part}\n\nCHAPTER {n}\n\n{BODY.replace('boat', f'boat {part}{n}')}\n\n" for part in "12" for n in "12"
    )
    found = [cut for cut in cuts(tmp_path, text) if not cut.fault]
    assert [cut.section for cut in found] == ["CHAPTER 1", "CHAPTER 2"] * 2
    assert sum(cut.text.count("boat") for cut in found) == 32


def test_text_before_the_only_head_is_kept(tmp_path):
    text = f"{BODY}\n\nEPILOGUE\n\n{BODY}\n"
    found = [cut for cut in cuts(tmp_path, text) if not cut.fault]
    assert [cut.section for cut in found] == ["", "EPILOGUE"]
    assert sum(words_in(cut.text) for cut in found) == 2 * words_in(BODY)


def test_lines_that_are_paragraphs(tmp_path):
    one, two = "这是第一段。" * 50, "　　这是第二段，比较短。"
    found = cuts(tmp_path, f"第一章 海\n{one}\n{two}\n{two}\n第二章 山\n{LINES}\n", most=10_000)
    assert found[0].section == "第一章 海" and found[0].text.split("\n\n")[:3] == [one, two.strip(), two.strip()]
    found = cuts(tmp_path, f"{'He went on. ' * 30}\n{'She stayed. ' * 30}\n", most=10_000)
    assert [text[:2] for text in found[0].text.split("\n\n")] == ["He", "Sh"]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["one", "two"], "one two"),
        (["日本語の", "文章です。"], "日本語の文章です。"),
        (["他说", "yes", "了"], "他说 yes 了"),
        (["한국어", "문장"], "한국어 문장"),
        (["สวัสดี", "ครับ"], "สวัสดี ครับ"),
        ([], ""),
    ],
)
def test_lines_are_joined_as_the_script_is_written(parts, text):
    assert joined(parts) == text


@pytest.mark.parametrize(
    "sentence",
    [
        "He went to sea. ",
        "¿Quién es? ",
        "Он ушёл в море. ",
        "वह समुद्र को गया। ",
        "ذهب إلى البحر؟ ",
        "“He went,” she said. ",
        "«Il partit.» ",
    ],
)
def test_a_long_paragraph_is_cut_at_sentence_ends(tmp_path, sentence):
    found = cuts(tmp_path, sentence * 200, most=50)
    assert len(found) > 5 and all(cut.words <= 50 for cut in found)
    assert all(cut.text.endswith(sentence.strip()) for cut in found)


def test_chinese_sentences_are_split_without_spaces(tmp_path):
    found = cuts(tmp_path, "他走了。“她来了。”海很大！" * 3 + " x", most=4)
    assert (
        "".join(cut.text for cut in found).replace(" ", "").replace("\n", "") == "他走了。“她来了。”海很大！" * 3 + "x"
    )


def test_words_without_a_sentence_end_are_cut_at_the_limit(tmp_path):
    found = cuts(tmp_path, "word " * 1000, most=300)
    assert [cut.words for cut in found] == [300, 300, 300, 100]
    assert list(word_runs("a b c d e", 2)) == ["a b", "c d", "e"] and list(word_runs("a b", 2)) == ["a b"]


def test_a_passage_with_broken_bytes_is_broken_and_the_others_are_not(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one two three\n\nna\xefve four five\n\nsix seven eight\n\nn\0ne ten eleven\n")
    found = list(read_passages(path, 3, 3))
    assert [(cut.line, cut.fault[:9]) for cut in found] == [(1, ""), (3, "not UTF-8"), (5, ""), (7, "a NUL cha")]
    assert [cut.text for cut in read_passages(path, 3, 3, "latin-1")][1] == "naïve four five"
    assert {cut.fault for cut in read_passages(path, 4, 4)} >= {SHORT}


def test_form_feeds_and_line_separators_do_not_end_lines(tmp_path):
    text = "one\u2028two\x0cthree\x85four five"
    assert [cut.text for cut in cuts(tmp_path, f"{text}\n")] == [text]


def test_reading_takes_linear_time(tmp_path):
    def seconds(text: str) -> float:
        (tmp_path / "a.txt").write_text(text)
        start = time.process_time()
        list(read_passages(tmp_path / "a.txt", 80, 400))
        return time.process_time() - start

    for unit in ("Chapter 1\n", "Chapter 1\n\n", "I\n\n", "word ", "word. ", "a\n", "   \n", "第一章\n", "“"):
        short, long = (min(seconds(unit * n) for _ in range(3)) for n in (1_000, 10_000))
        assert long < 40 * short + 0.05, unit
