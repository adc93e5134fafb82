"""annotation in many languages: requests beyond text, lengths, leaks of the procedure, richness, tags that are one."""

import polars as pl
import pytest

from cultivar.text.phrases import named_patterns
from cultivar.text.stopwords import STOPWORDS, content_words
from cultivar.text.tokens import normal_form, tokenize
from stages.annotation.beyond_text import BEYOND_TEXT
from stages.annotation.evolve import Evolution, EvolutionCheck, broken_rule, measure
from stages.annotation.leaks import LEAKS, UNWILLING
from stages.annotation.ontology import by_rule
from stages.annotation.params import EvolveParams
from stages.annotation.select import find_beyond_text
from tests.admission.rows import instruction, rules
from tests.admission.test_select_admission import select_from

BEYOND = {
    "English": [
        "DRAW the four river fish.",
        "Draw fish.",
        "Please draw me a cat with a hat.",
        "Can you sketch a house by the sea?",
        "Generate an image of a red fox.",
        "Show me a picture of the moon.",
        "Plot the function f(x) = x^2.",
        "Describe this image in two lines.",
        "What do you see in this picture?",
        "Summarize the attached file.",
        "Explain the chart below.",
        "Transcribe the attached audio recording.",
        "Please watch the following video and summarise it.",
        "Look at the picture and name the animals.",
        "Go to the website of the club and copy its rules.",
    ],
    "Chinese": [
        "请画一只猫。",
        "帮我生成一张日落的图片。",
        "描述这张图片。",
        "请根据附件中的表格回答。",
        "給我畫一幅畫。",
    ],
    "Spanish": [
        "Dibuja un gato con sombrero.",
        "Genera una imagen de un zorro.",
        "Describe esta imagen.",
        "Resume el archivo adjunto.",
    ],
    "French": [
        "Dessine un chat avec un chapeau.",
        "Crée une image d'un renard.",
        "Décrivez cette photo.",
        "Résume le fichier joint.",
    ],
    "German": [
        "Zeichne eine Katze mit Hut.",
        "Erstelle ein Bild von einem Fuchs.",
        "Beschreibe dieses Bild.",
        "Fasse die angehängte Datei zusammen.",
    ],
    "Portuguese": [
        "Desenhe um gato de chapéu.",
        "Crie uma imagem de uma raposa.",
        "Descreva esta imagem.",
        "Resuma o arquivo em anexo.",
    ],
    "Italian": [
        "Disegna un gatto con il cappello.",
        "Genera un'immagine di una volpe.",
        "Descrivi questa foto.",
        "Riassumi il file allegato.",
    ],
    "Russian": [
        "Нарисуй кота в шляпе.",
        "Создай изображение лисы.",
        "Опиши эту картинку.",
        "Перескажи прикреплённый файл.",
    ],
    "Arabic": ["ارسم قطة بقبعة.", "أنشئ صورة لثعلب.", "صف هذه الصورة.", "لخص الملف المرفق."],
    "Hindi": ["टोपी वाली बिल्ली का चित्र बनाओ।", "लोमड़ी की एक तस्वीर बनाइए।", "इस चित्र का वर्णन करो।"],
    "Japanese": [
        "帽子をかぶった猫の絵を描いてください。",
        "きつねの画像を生成してください。",
        "この画像を説明してください。",
    ],
    "Korean": ["모자를 쓴 고양이 그림을 그려 주세요.", "여우 이미지를 생성해 주세요.", "이 사진을 설명해 주세요."],
    "Turkish": ["Şapkalı bir kedi resmi çiz.", "Bu görseli açıkla."],
    "Vietnamese": ["Hãy vẽ một con mèo đội mũ.", "Mô tả hình ảnh này."],
    "Indonesian": ["Buatkan saya gambar seekor kucing.", "Jelaskan gambar ini."],
    "Thai": ["วาดรูปแมวใส่หมวก", "อธิบายภาพนี้"],
}
WITHIN = {
    "English": [
        "Draw a conclusion from these three facts.",
        "Look at the big picture: why did Rome fall?",
        "I look at the picture on my wall every day. Put this into the past.",
        "Explain why people watch the same video twice.",
        "Draw two cards from a deck. What is the chance of a pair?",
        "What inspiration can we draw from the sea?",
        "Describe the plot of a novel you like.",
        "Explain how to file a complaint.",
        "Explain a graph algorithm that finds the shortest path.",
        "Map the list to its squares.",
        "Give me the big picture of the French Revolution.",
        "Write a Python script that opens a file and draws a circle.",
        "Draw a cat in ASCII art.",
        "Plot a sine curve with matplotlib.",
        "Write a caption for a photo of my dog.",
        "Describe the imagery of the poem.",
        "Where should one go to learn sailing?",
        "Create an image caption for a bakery.",
        "How do maps show height?",
        "Sketch a proof that the root of two is irrational.",
        'Translate into French: "Draw a cat."',
        "Name four river fish.",
    ],
    "Chinese": [
        "从这些事实中得出结论。",
        "解释图算法的原理。",
        "用Python代码画一个圆。",
        "介绍中国画的历史。",
        "写一段照片的文字说明。",
    ],
    "Spanish": [
        "Saca una conclusión de estos hechos.",
        "Explica la imagen de la mujer en la novela.",
        "Escribe código que dibuje un círculo.",
    ],
    "French": [
        "Tire une conclusion de ces faits.",
        "Explique le dessin animé le plus connu.",
        "Rédige une lettre pour joindre un dossier.",
    ],
    "German": [
        "Ziehe einen Schluss aus diesen Tatsachen.",
        "Erkläre das Bild der Frau im Roman.",
        "Was zeichnet einen guten Lehrer aus?",
    ],
    "Portuguese": ["Tire uma conclusão destes fatos.", "Explique o desenho de um experimento."],
    "Italian": ["Trai una conclusione da questi fatti.", "Spiega l'arte del disegno nel Rinascimento."],
    "Russian": ["Сделай вывод из этих фактов.", "Объясни алгоритм на графах.", "Расскажи об истории фотографии."],
    "Arabic": ["استنتج نتيجة من هذه الحقائق.", "اشرح تاريخ الرسم في أوروبا."],
    "Hindi": ["इन तथ्यों से निष्कर्ष निकालो।", "चित्रकला का इतिहास बताओ।"],
    "Japanese": ["これらの事実から結論を導いてください。", "絵画の歴史を説明してください。"],
    "Korean": ["이 사실들에서 결론을 내려 주세요.", "사진의 역사를 설명해 주세요."],
    "Turkish": ["Bu gerçeklerden bir sonuç çıkar.", "Resim sanatının tarihini anlat."],
    "Vietnamese": ["Rút ra kết luận từ các sự kiện này.", "Kể lịch sử nhiếp ảnh."],
    "Indonesian": ["Tariklah kesimpulan dari fakta ini.", "Ceritakan sejarah fotografi."],
    "Thai": ["สรุปจากข้อเท็จจริงเหล่านี้", "เล่าประวัติของการถ่ายภาพ"],
}


def test_an_instruction_asks_for_more_than_text_where_it_orders_or_shows_a_picture():
    assert set(BEYOND) == set(BEYOND_TEXT)
    expected = {text: language for language, texts in BEYOND.items() for text in texts}
    expected |= {text: None for texts in WITHIN.values() for text in texts}
    names = find_beyond_text(pl.Series(list(expected))).to_list()
    assert {text: name and name.split(",")[0] for text, name in zip(expected, names, strict=True)} == expected


LONG_ENOUGH = {
    "Chinese": ("请用三句话介绍一下长江的历史。", "介绍长江"),
    "Japanese": ("日本の歴史を三つの文で紹介してください。", "日本の歴史"),
    "Korean": ("한국의 역사를 세 문장으로 소개하세요.", "한국 역사 소개"),
    "Thai": ("แนะนำประวัติศาสตร์ไทยในสามประโยค", "ประวัติไทย"),
    "Arabic": ("عرف بتاريخ مصر في ثلاث جمل.", "تاريخ مصر باختصار"),
    "Hindi": ("भारत का इतिहास तीन वाक्यों में बताओ।", "भारत का इतिहास"),
    "Russian": ("Расскажи историю России в трёх фразах.", "История России кратко"),
    "Spanish": ("Cuenta la historia de España en tres frases.", "Historia de España"),
    "English": ("Tell the story of England in three sentences.", "Story of England"),
    "German": ("Erzähle die Geschichte Deutschlands in drei Sätzen.", "Geschichte kurz erzählt"),
    "Khmer": ("ប្រាប់ប្រវត្តិសាស្ត្រកម្ពុជាជាបីប្រយោគ។", "ប្រវត្តិសាស្ត្រ"),
}


@pytest.mark.parametrize("language", LONG_ENOUGH)
def test_a_short_and_a_long_instruction_are_measured_in_words_of_their_script(language):
    fine, short = (instruction(text) for text in LONG_ENOUGH[language])
    assert rules(select_from([(fine, {}), (short, {})]).dropped) == {short["id"]: "too short"}
    assert rules(select_from([(fine, {})], max_words=4).dropped) == {fine["id"]: "too long"}


EVOLVED = {
    "Chinese": ("列出四种鱼。", "列出四种生活在河里的鱼。", "列出四种河鱼。"),
    "Japanese": ("魚を四つ挙げてください。", "川に住んでいる魚を四つ挙げてください。", "川魚を四つ挙げてください。"),
    "Korean": ("물고기 네 가지를 쓰세요.", "강에 사는 물고기 네 가지를 쓰세요.", "강물고기 네 가지를 쓰세요."),
    "Thai": ("บอกชื่อปลาสี่ชนิด", "บอกชื่อปลาสี่ชนิดที่อาศัยในแม่น้ำ", "บอกชื่อปลาน้ำสี่ชนิด"),
    "Arabic": ("اذكر أربع سمكات.", "اذكر أربع سمكات تعيش في الأنهار.", "اذكر أربع سمكات نهرية."),
    "Hindi": ("चार मछलियों के नाम बताओ।", "नदी में रहने वाली चार मछलियों के नाम बताओ।", "चार नदी मछलियों के नाम बताओ।"),
    "Russian": ("Назови четыре рыбы.", "Назови четыре рыбы, живущие в реках.", "Назови четыре речные рыбы."),
    "Spanish": ("Nombra cuatro peces.", "Nombra cuatro peces que vivan en ríos.", "Nombra cuatro peces fluviales."),
    "English": ("Name four fish.", "Name four fish that live in rivers.", "Name four river fish."),
    "French": (
        "Cite quatre poissons.",
        "Cite quatre poissons qui vivent en rivière.",
        "Cite quatre poissons fluviaux.",
    ),
    "Khmer": ("ប្រាប់ឈ្មោះត្រីបួន។", "ប្រាប់ឈ្មោះត្រីបួនដែលរស់នៅក្នុងទន្លេ។", "ប្រាប់ឈ្មោះត្រីទន្លេបួន។"),
}


def rule_of_step(old, new, words=None, **params):
    """The rule that a step breaks; `words`: lengths of both that count instead of their own."""
    (before,), (after,) = measure([old]), measure([new])
    if words:
        before, after = before._replace(words=words[0]), after._replace(words=words[1])
    step, check = Evolution(instruction=new, added=["rivers"]), EvolutionCheck(same=False, coherent=True)
    return broken_rule(
        before, after, step, check, EvolveParams.model_validate({"nodes": 1, "min_added_words": 2} | params)
    )


@pytest.mark.parametrize("language", EVOLVED)
def test_an_evolution_that_adds_a_requirement_is_longer_in_words_of_its_script(language):
    old, longer, same = EVOLVED[language]
    assert rule_of_step(old, longer) == "" and rule_of_step(old, same) == "not longer"
    assert rule_of_step(old, longer * 4, max_added_words=5) == "too long"


DECLINED = {
    "English": ["I'm sorry, but I can't rewrite this instruction.", "I cannot make this prompt any harder."],
    "Chinese": ["对不起，我无法改写这条指令。", "抱歉，我不能帮助您完成这个请求。"],
    "Spanish": ["Lo siento, pero no puedo reescribir esta instrucción."],
    "French": ["Désolé, je ne peux pas réécrire cette instruction."],
    "German": ["Es tut mir leid, aber ich kann diese Anweisung nicht umschreiben."],
    "Portuguese": ["Desculpe, mas não posso reescrever esta instrução."],
    "Italian": ["Mi dispiace, ma non posso riscrivere questa istruzione."],
    "Russian": ["Извините, но я не могу переписать эту инструкцию."],
    "Arabic": ["عذرًا، لا أستطيع إعادة كتابة هذه التعليمات.", "لا يمكنني تعديل هذه التعليمات."],
    "Hindi": ["क्षमा करें, मैं इस निर्देश को दोबारा नहीं लिख सकता।", "मैं इस निर्देश को दोबारा नहीं लिख सकता।"],
    "Japanese": ["申し訳ありませんが、この指示を書き換えることはできません。"],
    "Korean": ["죄송하지만 이 지시문을 다시 쓸 수 없습니다."],
    "Turkish": ["Üzgünüm, bu talimatı yeniden yazamam.", "Bu talimatı yeniden yazamam."],
    "Vietnamese": ["Xin lỗi, tôi không thể viết lại hướng dẫn này.", "Tôi không thể viết lại chỉ dẫn này."],
    "Indonesian": ["Maaf, saya tidak dapat menulis ulang instruksi ini.", "Saya tidak bisa mengubah perintah ini."],
    "Thai": ["ขออภัย ฉันไม่สามารถเขียนคำสั่งนี้ใหม่ได้", "ฉันไม่สามารถแก้ไขคำสั่งนี้ได้"],
}


@pytest.mark.parametrize("language", DECLINED)
def test_an_apology_or_inability_is_no_evolved_instruction(language):
    for text in DECLINED[language]:
        assert rule_of_step("?", text) == "refuses", text
        assert rule_of_step(text, text + " " + text) != "refuses", "an instruction about such a sentence may hold it"


@pytest.mark.parametrize(
    "text",
    [
        "Write an email that says sorry for the late delivery.",
        "Explain why I can't open my window in winter and what to do.",
        "I cannot change my request at the hotel; write to them.",
        "Write a letter in which I apologise that I cannot come on Sunday.",
        "Schreibe einen Brief: Ich kann am Sonntag leider nicht kommen.",
        "Escribe por qué no puedo cambiar mi horario de trabajo.",
    ],
)
def test_an_instruction_that_tells_of_regret_or_trouble_is_one(text):
    assert rule_of_step("?", text) == ""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (
            "What are the names of the fish that live in it?",
            "Nenne die Fische, die in dem Fluss leben, und sag, wie es ist.",
            True,
        ),
        (
            "What are the names of the fish that live in it?",
            "What are the names of all the fish that live in it now?",
            False,
        ),
        ("Name four fish.", "请说出生活在河里的四种鱼，并且说明它们的大小和颜色。", True),
        ("请说出生活在河里的四种鱼，并且说明它们的大小。", "Name four fish that live in the rivers.", True),
        ("Назови четыре рыбы.", "Name four fish that live in the rivers.", True),
        ("Name four fish.", "Назови четыре рыбы, которые живут в реках.", True),
        ("Назови рыб, и как они живут, и что это.", "Назви риб, і що це, і як вони живуть у воді.", True),
        ("네 가지 물고기를 말하세요.", "川に住む四つの魚の名前を言ってください。", True),
        (
            "東京都知事選挙",
            "東京都の知事の選挙について三つの点を説明してください。",
            False,
        ),  # Han alone may be Japanese
        ("Name four fish.", "Nenne vier Fische mit Namen.", False),  # too few words to tell
        ("Translate to Chinese: the cat sleeps", "Translate to Chinese 猫睡觉猫睡觉猫: the cat sleeps", False),
    ],
)
def test_an_evolution_stays_in_its_language_where_both_can_be_told(old, new, changed):
    assert rule_of_step(old, new, words=(10, 14)) == ("changes the language" if changed else "")


LEAKED = {
    "English": [
        "Name four fish for the given prompt now.",
        "#New Instruction#: Name four fish of the rivers.",
        "Name four fish of the added nodes please.",
    ],
    "Chinese": ["按照改写后的指令列出四种生活在河里的鱼。", "新指令：列出四种生活在河里的鱼。"],
    "Spanish": ["Según la instrucción reescrita, nombra cuatro peces de río."],
    "French": ["Selon la consigne réécrite, cite quatre poissons de rivière."],
    "German": ["Nenne laut der umgeschriebenen Anweisung vier Fische im Fluss."],
    "Portuguese": ["Segundo a instrução reescrita, cite quatro peixes de rio."],
    "Italian": ["Secondo l'istruzione riscritta, nomina quattro pesci di fiume."],
    "Russian": ["По переписанной инструкции назови четыре речные рыбы."],
    "Arabic": ["وفق التعليمات المعاد كتابتها اذكر أربع سمكات نهرية."],
    "Hindi": ["पुनर्लिखित निर्देश के अनुसार चार मछलियों के नाम बताओ।"],
    "Japanese": ["書き直された指示に従って川の魚を四つ挙げてください。"],
    "Korean": ["다시 쓴 지시문을 따라 강물고기 네 가지를 쓰세요."],
    "Turkish": ["Yeniden yazılan talimat: dört nehir balığı say lütfen."],
    "Vietnamese": ["Theo câu lệnh đã viết lại, kể tên bốn loài cá sông."],
    "Indonesian": ["Sesuai instruksi yang ditulis ulang, sebutkan empat ikan sungai."],
    "Thai": ["ตามคำสั่งที่เขียนใหม่ บอกชื่อปลาสี่ชนิดในแม่น้ำ"],
}
NO_LEAK = {
    "English": [
        "Name four fish of laws that were rewritten in May.",
        "Name four fish as the new instruction set of the CPU does.",
        "Name four fish under the trees of the river.",
    ],
    "Chinese": ["介绍一下新指令集里的四种鱼的名字。", "列出四种在大树下游动的鱼。"],
    "Spanish": ["Nombra cuatro peces según las instrucciones del manual."],
    "German": ["Nenne vier Fische nach der Anweisung des Lehrers im Fluss."],
    "Russian": ["Назови четыре рыбы по инструкции учителя на реке."],
    "Japanese": ["先生の指示に従って川の魚を四つ挙げてください。"],
    "Korean": ["선생님의 지시에 따라 강물고기 네 가지를 쓰세요."],
}


def test_an_evolution_leaks_the_procedure_where_it_speaks_of_the_instruction_itself():
    assert set(LEAKED) == set(LEAKS)
    olds = {language: old for language, (old, *_) in EVOLVED.items()}
    for texts, rule in ((LEAKED, "leaks the procedure"), (NO_LEAK, "")):
        for language, news in texts.items():
            for new in news:
                (measured,) = measure([new])
                assert rule_of_step(olds.get(language, "Fish."), new) == rule, new
                assert measured.leak == (f"{language}, procedure" if rule else "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Write a search tree.", "Write a search tree with a method that deletes a tree node and returns it."),
        ("Write a prompt.", "Write a prompt of ten words that improves the given prompt in style."),
        ("写一棵二叉树。", "写一棵二叉树，并实现删除树节点的方法。"),
    ],
)
def test_an_instruction_about_prompts_or_trees_goes_on_being_about_them(old, new):
    assert rule_of_step(old, new) == ""


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("See https://fish.org", True),
        ("See HTTP://fish.org", True),
        ("See ｈｔｔｐｓ：／／fish.org", True),
        ("访问www.fish.org了解", True),
        ("Use http, not ftp.", False),
        ("the www. ", False),
    ],
)
def test_a_link_is_one_in_any_writing(text, is_link):
    assert [measured.has_link for measured in measure([text])] == [is_link]


RICH = {
    "English": ("Name four river fish.", ["name", "four", "river", "fish"]),
    "German": ("Nenne mir die Fische, die in dem Fluss leben.", ["nenne", "fische", "fluss", "leben"]),
    "Spanish": ("Nombra los peces que viven en el río.", ["nombra", "peces", "viven", "río"]),
    "French": ("Cite les poissons qui vivent dans la rivière.", ["cite", "poissons", "vivent", "rivière"]),
    "Portuguese": ("Cite os peixes que vivem no rio e na lagoa.", ["cite", "peixes", "vivem", "rio", "lagoa"]),
    "Russian": ("Назови рыб, которые живут в реке и в озере.", ["назови", "рыб", "которые", "живут", "реке", "озере"]),
    "Arabic": ("اذكر السمك الذي يعيش في النهر.", ["اذكر", "السمك", "يعيش", "النهر"]),
    "Hindi": ("नदी में रहने वाली मछलियों के नाम बताओ।", ["नदी", "रहने", "वाली", "मछलियों", "नाम", "बताओ"]),
    "Chinese": ("河里的鱼和河里的虾", ["河", "里", "鱼", "虾"]),
    "Japanese": ("川の魚と海の魚", ["川", "魚", "海"]),
    "Korean": ("강에 사는 그 물고기", ["강에", "사는", "물고기"]),
    "Thai": ("ปลาที่ก็ปลา", ["ป", "ล", "า"]),
    "Turkish": ("Nehirde yaşayan bir balık ve bir kuş", ["nehirde", "yaşayan", "balik", "kuş"]),
}


def test_content_words_are_those_of_the_texts_own_language():
    texts = pl.Series([text for text, _ in RICH.values()])
    found = content_words(tokenize(texts)).to_list()
    assert dict(zip(RICH, found, strict=True)) == {language: words for language, (_, words) in RICH.items()}
    assert content_words(tokenize(pl.Series(["die, if you must", "", "..."]))).to_list() == [["die", "must"], [], []]


def test_stop_words_are_tokens_in_normal_form():
    for language, words in STOPWORDS.items():
        for word in words.split():
            assert tokenize(pl.Series([word]))[0].to_list() == [word], (language, word)


ONE_TAG = {
    "Hindi": ["गणित प्रश्न", "गणित-प्रश्न"],
    "Thai": ["การแปล ภาษา", "การแปล_ภาษา"],
    "Arabic": ["حلّ المسائل", "حل المسائل"],
    "Chinese": ["数学 问题", "数学问题", "数学-问题"],
    "Japanese": ["データ分析", "ﾃﾞｰﾀ分析"],
    "Korean": ["데이터 분석", "데이터\u3000분석"],
    "Russian": ["Анализ данных", "анализ-данных"],
    "German": ["Straße", "STRASSE"],
    "Turkish": ["BİLGİ", "bilgi"],
    "Greek": ["ΛΟΓΟΣ", "λόγος".replace("ό", "ο")],
    "French": ["résumé", "re\u0301sume\u0301"],
    "English": ["Data-Visualization", "data visualizations"],
    "Vietnamese": ["Dịch thuật", "dịch-thuật"],
}
OTHER_TAG = [
    ["कला", "काल"],
    ["กา", "กี"],
    ["C", "C++", "C#"],
    ["F", "F#"],
    ["!!!", "🎉"],
    ["数学", "化学"],
    ["か", "が"],
    ["résumé", "resumé"],
]


@pytest.mark.parametrize("language", ONE_TAG)
def test_tags_that_differ_in_writing_are_one_in_every_script(language):
    assert by_rule(set(ONE_TAG[language])) == [sorted(ONE_TAG[language])]


@pytest.mark.parametrize("tags", OTHER_TAG)
def test_tags_that_differ_in_a_mark_or_a_sign_of_their_name_stay_apart(tags):
    assert by_rule(set(tags)) == []
    assert by_rule({"c++", "C++"}) == [["C++", "c++"]]


@pytest.mark.parametrize("families", [BEYOND_TEXT, LEAKS, UNWILLING])
def test_every_pattern_is_in_normal_form(families):
    for name, pattern in named_patterns(families):
        assert normal_form(pattern) == pattern, name


@pytest.mark.parametrize(
    "prompt",
    [
        "Give me a picture of what life was like in 1900.",
        "Provide a clear image of the problem in your own words.",
        "Can you make a short video review text for the phone?",
        "Open the link between smoking and cancer to debate.",
        "请解释图片压缩的原理。",
        "请分析视频平台的商业模式。",
        "以下视频平台中哪个最受欢迎？",
        "Was bedeutet im Anhang eines Vertrags?",
        "Bu resim sergisi hakkında bir yazı yaz.",
        "Bu dosya formatı nedir?",
        "Bu resmi belge ne zaman verildi?",
    ],
)
def test_things_that_have_a_picture_in_their_name_are_no_order(prompt):
    assert find_beyond_text(pl.Series([prompt])).to_list() == [None]


WRITTEN = """
Write a Python script that reads a CSV file.
Summarize the plot of the novel in three sentences.
Plot twist: write a story where the hero loses.
Explain how the map function works in Haskell.
Create a mind map in text about photosynthesis.
How do I file a complaint against my landlord?
Draw a conclusion from the following data: 3, 4, 5.
Draw up a contract for a lease.
Draw a comparison between cats and dogs.
Draw on your experience to answer.
Draw the moral of the fable.
Write a function to plot a graph with matplotlib.
Create a file named notes.txt with a shell command.
Write a Dockerfile for a Flask app.
Explain the difference between a graph and a tree.
Give me an image of hope in a haiku.
Implement a graph search algorithm in C++.
Create a map of character relationships as a list.
Go to the next step and explain it.
Make a table of the planets.
Design a logo concept in words for a bakery.
Write a script that opens an image and resizes it.
Create a video script about recycling.
Create an audio guide text for the museum.
Generate a PDF report in Python using reportlab.
Send an email to my boss explaining the delay.
Show me an example of a file path in Linux.
Write SQL that maps users to orders.
Write a program that draws a circle.
Draw a picture with words of a stormy sea.
Draw the line between art and craft.
Graph theory: prove that every tree has a leaf.
Create a portrait of a lonely sailor in prose.
Paint a vivid picture of the battle in words.
Sketch the proof of Fermat's little theorem.
Sketch a character for my novel.
Draw an analogy between atoms and planets.
Draw a Venn diagram in ASCII of cats and dogs.
Show a picture of society in this essay.
Map the following words to their opposites: hot, big.
Provide a photo caption for a beach picture.
Write a review of the movie and its images.
Explain what a map is.
Design an image classification pipeline.
Create a short video plan for TikTok.
Write a Python function that returns the following image's size from its header bytes: PNG.
Render the following HTML table as Markdown.
Create a zip function without using zip.
Plot the story of a heist in five acts.
Plot a murder mystery for me.
Make a sketch comedy scene about a dentist.
Draw inspiration from Borges and write a story.
Draft a picture book text.
Open the file data.txt in Python and count its lines.
Write a bash command to upload files via scp.
I need you to draw me into the story.
Please draw out the consequences of the policy.
Make an image description for blind readers of a sunset.
Create an illustration of Newton's third law with an everyday example.
Can you give me an illustration of how inflation works?
Take a picture frame business and write a slogan.
Save the file as UTF-8: which option in vim?
Visit the website metaphor: write a poem.
Write a regex that matches image links.
Explain the chart of accounts in accounting.
Describe the picture that the author paints of London.
写一个读取CSV文件的Python脚本。
概括小说的情节。
画蛇添足是什么意思？
请画出结论并解释。
用文字画一幅思维导图。
请写一段文件管理的说明。
解释map函数的用法。
如何向法院提交文件？
Escribe un script de Python que lea un archivo CSV.
Dibuja una conclusión a partir de los datos.
Resume la trama de la novela.
Escribe la imagen poética de la luna en Lorca.
Écris un script Python qui lit un fichier CSV.
Dessine un portrait psychologique du héros.
Fais un tableau des planètes.
Résume l'intrigue du roman.
Schreibe ein Python-Skript, das eine CSV-Datei liest.
Zeichne ein düsteres Bild der Zukunft in einem Essay.
Zeichne den Weg des Helden nach.
Escreva um script em Python que leia um arquivo CSV.
Desenhe uma estratégia de marketing para a loja.
Scrivi uno script Python che legge un file CSV.
Disegna un piano di marketing per il negozio.
Напиши скрипт на Python, который читает CSV-файл.
Нарисуй словами портрет героя.
Создай образ героя для романа.
اكتب برنامج بايثون يقرأ ملف CSV.
ارسم خطة لتحسين المبيعات.
एक पायथन स्क्रिप्ट लिखो जो CSV फ़ाइल पढ़े।
CSVファイルを読むPythonスクリプトを書いてください。
物語の筋を描いてください。
未来像を描いてください。
人物を描いて小説の一場面を書いてください。
CSV 파일을 읽는 파이썬 스크립트를 작성하세요.
미래를 그려 보세요.
주인공의 심리를 그려 주세요.
CSV dosyasını okuyan bir Python betiği yaz.
Romanın konusunu özetle.
Viết một script Python đọc tệp CSV.
Vẽ nên một tương lai tươi sáng bằng lời văn.
Tulis skrip Python yang membaca berkas CSV.
Gambarkan sebuah strategi pemasaran.
Gambarkan suasana pasar pagi dalam satu paragraf.
เขียนสคริปต์ Python ที่อ่านไฟล์ CSV
วาดภาพอนาคตด้วยคำพูด
""".strip().split("\n")
"""Files, maps, plots, graphs and drawings of programs, of stories and of speech."""


def test_words_of_drawing_in_other_senses_are_no_order():
    found = find_beyond_text(pl.Series(WRITTEN)).to_list()
    assert [prompt for prompt, name in zip(WRITTEN, found, strict=True) if name] == []


@pytest.mark.parametrize(
    "prompt",
    [
        "고양이를 그려 주세요.",
        "请分析这张图片。",
        "解释一下图片。",
        "Bu resmi açıkla.",
        "Die Datei ist im Anhang.",
        "Open the link below.",
        "Draw a map of the river.",
        "Draw a plan of my house.",
        "Create a portrait of my dog.",
        "Create an illustration of a fox in the snow.",
        "Draw the hero of the novel.",
        "Create a video of a fox.",
        "Dibuja el plan de mi casa.",
        "Dessine le portrait de ma mère.",
        "Zeichne ein Bild der Katze.",
        "Desenhe um gato.",
        "Disegna il gatto.",
        "Нарисуй картину с морем.",
        "ارسم صورة قطة.",
        "人物を描いてください。",
        "고양이를 그려 주세요.",
        "วาดภาพแมว",
    ],
)
def test_an_order_to_draw_or_a_picture_that_is_shown_counts_in_every_word_order(prompt):
    assert find_beyond_text(pl.Series([prompt])).null_count() == 0


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("Nueva instrucción: escribe un poema", True),
        ("Nouvelle instruction : écris un poème", True),
        ("Neue Anweisung: schreibe ein Gedicht", True),
        ("Nova instrução: escreva um poema", True),
        ("Nuova istruzione: scrivi una poesia", True),
        ("Instruksi baru: tulis puisi", True),
        ("คำสั่งใหม่: เขียนบทกวี", True),
        ("新指令：写一首诗", True),
        ("请写一份新的指令手册。", False),
        ("新しい指示書を書いてください。", False),
        ("새로운 지시를 받은 군인의 이야기를 쓰세요.", False),
        ("สร้างคำสั่งใหม่ใน SQL", False),
        ("Viết một câu lệnh mới trong SQL.", False),
    ],
)
def test_a_heading_leaks_the_procedure_and_a_manual_does_not(text, leak):
    assert bool(measure([text])[0].leak) is leak
