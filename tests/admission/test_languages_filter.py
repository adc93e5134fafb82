"""Rules of filter in many languages: an evaluation item however it is written, repetition, quotations."""

import unicodedata

import polars as pl
import pytest

from schemas.rows import Passage
from stages.curation.decontamination import Items, OverlapRule, overlaps
from stages.curation.params import FilterParams
from stages.curation.repetition import repeated_share
from stages.synthesis.literature import find_leaks

RULE = OverlapRule(13, 13, 0.6, 8, 5, least_ngram=5, solution_tokens=13, nearest=16)

ITEMS = {
    "English": ("Please answer: ", "How many 42 page books can Maria read in 3 weeks if she reads 28 pages a day?"),
    "Chinese": ("请解答：", "玛丽亚每天读28页书，她在3个星期里能读完多少本42页的书？"),
    "Japanese": (
        "次の問題に答えなさい。",
        "マリアさんは毎日28ページ本を読みます。3週間で42ページの本を何冊読めますか。",
    ),
    "Korean": (
        "다음 문제를 푸세요: ",
        "마리아는 하루에 28쪽씩 책을 읽는다. 그녀는 3주 동안 42쪽짜리 책을 몇 권 읽을 수 있는가?",
    ),
    "Thai": ("จงตอบคำถามต่อไปนี้ ", "มาเรียอ่านหนังสือวันละ 28 หน้า ในเวลา 3 สัปดาห์เธอจะอ่านหนังสือที่มี 42 หน้าได้กี่เล่ม"),
    "Arabic": ("أجب عن السؤال: ", "تقرأ مريم 28 صفحة كل يوم، فكم كتابا من 42 صفحة تستطيع أن تقرأ في 3 أسابيع؟"),
    "Hindi": ("उत्तर दीजिए: ", "मारिया रोज़ 28 पन्ने पढ़ती है, तो वह 3 हफ़्तों में 42 पन्नों वाली कितनी किताबें पढ़ सकती है?"),
    "Russian": (
        "Реши задачу: ",
        "Мария читает по 28 страниц в день. Сколько книг по 42 страницы она прочитает за 3 недели?",
    ),
    "Spanish": ("Responde: ", "María lee 28 páginas al día. ¿Cuántos libros de 42 páginas puede leer en 3 semanas?"),
    "French": (
        "Réponds : ",
        "Marie lit 28 pages par jour. Combien de livres de 42 pages peut-elle lire en 3 semaines ?",
    ),
    "German": ("Bitte löse: ", "Maria liest täglich 28 Seiten. Wie viele Bücher zu 42 Seiten schafft sie in 3 Wochen?"),
    "Portuguese": (
        "Responda: ",
        "Maria lê 28 páginas por dia. Quantos livros de 42 páginas ela consegue ler em 3 semanas?",
    ),
    "Burmese": ("ဖြေပါ။ ", "မာရီယာသည် တစ်နေ့လျှင် စာမျက်နှာ 28 မျက်နှာ ဖတ်သည်။ 3 ပတ်အတွင်း 42 မျက်နှာရှိ စာအုပ် ဘယ်နှစ်အုပ် ဖတ်နိုင်သနည်း။"),
    "Khmer": ("សូមឆ្លើយ៖ ", "ម៉ារីយ៉ាអានសៀវភៅ 28 ទំព័រក្នុងមួយថ្ងៃ តើក្នុងរយៈពេល 3 សប្តាហ៍ នាងអាចអានសៀវភៅ 42 ទំព័របានប៉ុន្មានក្បាល?"),
}
DIGITS = {"Arabic-Indic": "٠١٢٣٤٥٦٧٨٩", "full-width": "０１２３４５６７８９", "Devanagari": "०१२३४५६७८९"}
NOTATIONS = {
    "as it is": lambda text: text,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "zero-width spaces": lambda text: "\u200b".join(text),
    "no punctuation": lambda text: "".join(c for c in text.replace("-", " ") if unicodedata.category(c)[0] != "P"),
    "upper case": str.upper,
    **{
        name: lambda text, to=digits: text.translate(str.maketrans("0123456789", to)) for name, digits in DIGITS.items()
    },
}


def found(rows, prompts, solutions=(), **rule):
    """(row, item, removed, part) of every hit."""
    solutions = list(solutions) or [None] * len(prompts)
    items = Items(pl.Series(prompts), pl.Series(solutions, dtype=pl.String), OverlapRule(**vars(RULE) | rule))
    return [(hit.row, hit.item, hit.removed, hit.evidence.part) for hit in overlaps(pl.Series(rows), items)]


@pytest.mark.parametrize("language", ITEMS)
def test_an_item_in_any_notation_goes_with_words_around_it_and_an_unlike_question_stays(language):
    before, item = ITEMS[language]
    others = [text for name, (_, text) in ITEMS.items() if name != language]
    rows = [f"{before}{change(item)} {before}" for change in NOTATIONS.values()]
    hits = found([*rows, *others], [item])
    assert hits == [(number, 0, True, "prompt") for number in range(len(rows))]


@pytest.mark.parametrize("language", ITEMS)
def test_the_half_of_an_item_is_no_overlap(language):
    before, item = ITEMS[language]
    assert not [hit for hit in found([before + item[: len(item) // 3] + before], [item]) if hit[2]]


SHORT = "Write a function to sort a list."
"""Seven tokens."""


@pytest.mark.parametrize(
    ("row", "removed"),
    [
        (SHORT, True),
        (f"Please {SHORT}", True),
        (f"{SHORT} Explain it.", True),
        ("Write a function to sort a dict.", False),
        ("Write a function. To sort the list, use it.", False),
    ],
)
def test_an_item_shorter_than_an_n_gram_goes_by_all_its_tokens(row, removed):
    assert bool(found([row], [SHORT])) == removed
    assert bool(found([row], [SHORT], least_ngram=7)) == removed
    assert bool(found([row], [SHORT], least_ngram=8)) == (row == SHORT)


def test_what_no_rule_can_find_is_counted():
    items = Items(pl.Series(["?!", "One two", SHORT]), pl.Series(["x " * 12, "x " * 13, None]), RULE)
    assert items.blind_spots() == (1, 1, 1)


BODY = "def add(a, b):\n    total = a + b\n    print(total, a, b)\n    return total\n"


@pytest.mark.parametrize(
    ("row", "removed"),
    [
        (f"Here it is:\n```python\n{BODY}```", True),
        (BODY.upper(), True),
        (BODY.replace("return total", "return 0"), False),
        (BODY.rpartition("return")[0], False),
    ],
)
def test_a_solution_goes_where_a_text_holds_all_of_it(row, removed):
    hits = found([row], ["Add two numbers of any kind, please.", "Another one that is not it."], [None, BODY])
    assert hits == ([(0, 1, True, "solution")] if removed else [])


def test_a_template_that_all_items_share_does_not_hide_the_item():
    template = (
        "In the year {} the town of {} had {} people and each of them had three cows and a goat. How many animals?"
    )
    items = [template.format(n, f"town{n}", n * 7) for n in range(300)]
    rows = [f"Tell me: {item}" for item in reversed(items)]
    hits = found(rows, items, nearest=4, lcs_share=1.0)
    assert [(row, item) for row, item, removed, _ in hits if removed] == [(n, 299 - n) for n in range(300)]


REPEATED = {
    "Chinese": "哈" * 2000,
    "Japanese": "それはいいですね。" * 40,
    "Thai": "สวัสดีครับ " * 60,
    "Burmese": "မင်္ဂလာပါ " * 60,
    "Khmer": "សួស្តី " * 60,
    "Korean": "정말 좋은 생각입니다. " * 30,
    "Arabic": "هذا جيد جدا. " * 30,
    "Hindi": "यह बहुत अच्छा है। " * 30,
    "Russian": "Это очень хорошо. " * 30,
    "Spanish": "Eso está muy bien. " * 30,
    "German": "Das ist sehr gut. " * 30,
    "letters": "ha" * 500,
    "emoji": "😂😂🎉" * 200,
}
NOT_REPEATED = {
    "Chinese": "春天来了，山上的花都开了。孩子们在河边放风筝，老人坐在树下喝茶聊天，远处传来火车的汽笛声。"
    "傍晚的时候天空变成了橙色，母亲站在门口喊大家回家吃饭，厨房里飘出米饭和鱼汤的香味。",
    "Japanese": "春になると、山の花がいっせいに咲き始めます。子どもたちは川のそばで凧をあげ、お年寄りは木の下でお茶を飲みながら話をしています。"
    "夕方には空がオレンジ色に変わり、母が玄関で夕食だと呼ぶ声が聞こえてきて、台所からは魚のスープの匂いがします。",
    "Thai": "เมื่อฤดูใบไม้ผลิมาถึง ดอกไม้บนภูเขาก็บานสะพรั่ง เด็กๆ เล่นว่าวอยู่ริมแม่น้ำ คนแก่นั่งจิบชาและคุยกันใต้ต้นไม้ใหญ่ "
    "เสียงหวูดรถไฟดังมาจากที่ไกล ตกเย็นท้องฟ้ากลายเป็นสีส้ม แม่ยืนเรียกทุกคนกลับบ้านมากินข้าว กลิ่นแกงปลาลอยออกมาจากครัว",
    "English": "When spring came all the flowers on the hill were out. Children flew kites by the river, old men drank tea under the "
    "trees, and far away a train whistled. In the evening the sky turned orange and a mother called everyone home for rice and "
    "fish soup that one could smell from the road.",
    "a long word": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
}


@pytest.mark.parametrize("name", REPEATED)
def test_repetition_is_seen_in_every_script(name):
    (share,) = repeated_share(pl.Series([REPEATED[name]]), FilterParams())
    assert share > FilterParams().repetition_share


@pytest.mark.parametrize("name", NOT_REPEATED)
def test_ordinary_text_is_no_repetition(name):
    (share,) = repeated_share(pl.Series([NOT_REPEATED[name]]), FilterParams())
    assert share < 0.1


def test_repetition_of_each_text_is_its_own():
    texts = [*REPEATED.values(), "", *NOT_REPEATED.values()]
    shares = repeated_share(pl.Series(texts), FilterParams()).to_list()
    assert shares == [repeated_share(pl.Series([text]), FilterParams())[0] for text in texts]
    assert repeated_share(pl.Series([], dtype=pl.String), FilterParams()).to_list() == []


def leaks(instruction, quoted):
    return find_leaks([("Nothing of it.", quoted), (instruction, quoted)], 8) == [False, True]


def passage(text):
    return Passage(id="0" * 32, source="here", license="CC0-1.0", work="時の花", author="", text=text)


@pytest.mark.parametrize("language", sorted(set(NOT_REPEATED) - {"a long word"}))
def test_a_quotation_is_seen_without_its_punctuation(language):
    text = NOT_REPEATED[language]
    quoted = "".join(letter for letter in text if not unicodedata.category(letter).startswith("P"))
    half = quoted[: len(quoted) // 2]
    assert leaks(f"Write a text: {half}", passage(text))
    assert not leaks(f"Write a text: {half}", passage(NOT_REPEATED["English" if language != "English" else "Thai"]))
    assert leaks("「時の花」のような文を書いてください。", passage(text))
