"""refusals, claims to be another assistant, leftovers of a chat: what is one in each language, what only looks so."""

import polars as pl
import pytest

from cultivar.text.phrases import find_phrases, named_patterns
from cultivar.text.tokens import normal_form
from stages.curation.boilerplate import BOILERPLATE
from stages.curation.identity import IDENTITY
from stages.curation.params import FilterParams
from stages.curation.quality import find_placeholders, quality
from stages.curation.refusals import REFUSALS
from tests.admission.rows import completions_of


def found(texts, families, chars=None):
    """Text -> the language of the phrase that it holds, None for none."""
    names = find_phrases(pl.Series(texts, dtype=pl.String), families, chars).to_list()
    return {text: name and name.split(",")[0] for text, name in zip(texts, names, strict=True)}


REFUSED = {
    "English": [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I apologize, but I am not able to provide this information.",
        "Unfortunately, I cannot fulfill your request.",
        "Sorry, no.",
        "I cannot answer that question.",
        "I won't provide instructions for this.",
        "I must respectfully decline to write this text.",
        "This goes against my programming.",
        "I don't have access to real-time data.",
        "**I'm sorry**. I am unable to generate such content.",
        "Ｉ'ｍ ｓｏｒｒｙ, ｂｕｔ Ｉ ｃａｎ'ｔ ｈｅｌｐ ｙｏｕ.",
        "I'm so\u200brry, but I can\u200b't help with that.",
        "\"I'm sorry, but I can't help with that.\"",
        "```python\npass\n```\nI'm sorry, but I can't complete this program.",
    ],
    "Chinese": [
        "抱歉，我无法帮助您完成这个请求。",
        "对不起，我不能提供这类信息。",
        "很抱歉，作为助手，我没有办法回答这个问题。",
        "我无法提供此类内容。",
        "對不起，我無法協助您處理這個要求。",
        "这违反了我的原则。",
    ],
    "Spanish": [
        "Lo siento, pero no puedo ayudarte con eso.",
        "Disculpa, no me es posible responder a esa pregunta.",
        "Lamento decirle que no puedo proporcionar esa información.",
        "No puedo ayudar con eso.",
        "Eso va en contra de mis principios.",
    ],
    "French": [
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Désolée, je ne peux pas t’aider avec cela.",
        "Malheureusement, je ne suis pas en mesure de répondre à cette demande.",
        "Je ne peux pas répondre à cette question.",
        "C'est contraire à mes principes.",
    ],
    "German": [
        "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
        "Leider kann ich diese Frage nicht beantworten.",
        "Entschuldigung, ich bin nicht in der Lage, diese Inhalte zu erstellen. Das kann ich leider nicht schreiben.",
        "Ich kann Ihnen bei dieser Anfrage nicht weiterhelfen.",
        "Das verstößt gegen meine Richtlinien.",
    ],
    "Portuguese": [
        "Desculpe, mas não posso ajudar com isso.",
        "Sinto muito, não consigo fornecer essas informações.",
        "Infelizmente, não posso responder a essa pergunta.",
        "Não posso ajudá-lo nisso.",
    ],
    "Italian": [
        "Mi dispiace, ma non posso aiutarti con questo.",
        "Purtroppo non sono in grado di rispondere a questa domanda.",
        "Non posso aiutarti.",
    ],
    "Russian": [
        "Извините, но я не могу помочь с этим.",
        "К сожалению, я не могу ответить на этот вопрос.",
        "Простите, я не в состоянии выполнить вашу просьбу.",
        "Я не могу помочь вам с этой просьбой.",
        "Это противоречит моим принципам.",
    ],
    "Arabic": [
        "عذرًا، لا أستطيع مساعدتك في ذلك.",
        "آسف، لا يمكنني الإجابة على هذا السؤال.",
        "أعتذر، لكنني لا أستطيع تقديم هذه المعلومات.",
        "لا يمكنني مساعدتك في هذا الطلب.",
    ],
    "Hindi": [
        "माफ़ कीजिए, मैं इसमें आपकी मदद नहीं कर सकता।",
        "क्षमा करें, मैं यह जानकारी नहीं दे सकती।",
        "मुझे खेद है, लेकिन मैं इस प्रश्न का उत्तर देने में असमर्थ हूँ।",
        "मैं आपकी सहायता नहीं कर सकता।",
    ],
    "Japanese": [
        "申し訳ありませんが、そのご質問にはお答えできません。",
        "すみません、その内容を提供することはできません。",
        "残念ながら、ご要望にはお応えできかねます。",
        "お手伝いできません。",
    ],
    "Korean": [
        "죄송하지만 도와드릴 수 없습니다.",
        "죄송합니다. 그 질문에는 답변할 수 없습니다.",
        "미안하지만 그런 정보는 제공할 수 없어요.",
        "저는 그 요청을 도와드릴 수 없습니다.",
    ],
    "Turkish": [
        "Üzgünüm, bu konuda yardımcı olamam.",
        "Maalesef bu soruyu yanıtlayamıyorum.",
        "İsteğinizi yerine getiremem.",
    ],
    "Vietnamese": ["Xin lỗi, tôi không thể giúp bạn việc này.", "Rất tiếc, tôi không thể cung cấp thông tin này."],
    "Indonesian": [
        "Maaf, saya tidak bisa membantu dengan permintaan itu.",
        "Saya tidak dapat memenuhi permintaan Anda.",
    ],
    "Thai": ["ขออภัย ฉันไม่สามารถช่วยเรื่องนี้ได้", "ขอโทษครับ ผมไม่สามารถตอบคำถามนี้ได้"],
}
NOT_REFUSED = {
    "English": [
        "I am sorry for the late delivery. Your parcel leaves today.",
        "I'm sorry for your loss. Grief takes its time, and it helps to talk.",
        "Sorry for the confusion! The answer is 42.",
        "I'm so sorry.",
        "No need to be sorry.",
        "I'm sorry, I can't come on Sunday.",
        "I can't help but smile when it rains. I cannot help it.",
        "They cannot help with it. The firm is unable to provide a refund.",
        "The bot said: \"I'm sorry, but I can't help with that.\" Then it was silent.",
        "He told me “I cannot answer that question” and left.",
        "> I'm sorry, but I can't help with that.\n\nThis is the usual refusal of a chatbot.",
        "Print `I'm sorry, I can't help you` and stop.",
        "Dear Ms Hill,\n\nI am sorry, but I cannot provide a reference for him.\n\nYours,\nJo",
        "Subject: Your claim\n\nI apologize, but I am unable to complete your order this week.",
        "Anna: Can you do it?\nBen: I'm sorry, I can't help you with that.",
        "Hi cannot help with it.",
        "To refuse politely, say 'I'm unable to help with that' and smile.",
    ],
    "Chinese": [
        "很抱歉给您带来不便，货物今天发出。",
        "对不起，我不能去参加你的聚会。",
        "机器人说：“抱歉，我无法帮助您。”然后就没有声音了。",
        "他无法回答老师的问题。",
        "尊敬的王先生：\n很抱歉，我无法提供推荐信。",
    ],
    "Spanish": [
        "Lamento mucho la demora de su pedido.",
        "Lo siento, no puedo ir a tu fiesta.",
        "Ellos no pueden ayudar con eso.",
        "El robot dijo: «Lo siento, no puedo ayudarte».",
        "Estimada señora:\nLo siento, pero no puedo proporcionar esos datos.",
    ],
    "French": [
        "Je suis désolé pour le retard de la livraison.",
        "Je ne peux pas venir samedi.",
        "Le robot répond : « Désolé, je ne peux pas vous aider. »",
        "Ils ne peuvent pas vous aider.",
    ],
    "German": [
        "Es tut mir leid, dass das Paket so spät kommt.",
        "Leider kann ich am Samstag nicht kommen.",
        "Der Automat sagte: „Das kann ich leider nicht beantworten.“",
        "Er kann dir dabei nicht helfen.",
    ],
    "Portuguese": ["Sinto muito pela sua perda.", "Desculpe, não posso ir à festa.", "Eles não podem ajudar com isso."],
    "Italian": ["Mi dispiace per il ritardo della consegna.", "Purtroppo non posso venire sabato."],
    "Russian": [
        "Извините за задержку доставки.",
        "К сожалению, я не могу прийти в субботу.",
        "Он не может помочь вам с этим.",
    ],
    "Arabic": ["أعتذر عن التأخير في التسليم.", "آسف، لا أستطيع الحضور يوم السبت."],
    "Hindi": ["देरी के लिए क्षमा करें।", "माफ़ कीजिए, मैं शनिवार को नहीं आ सकता।", "वह आपकी मदद नहीं कर सकता।"],
    "Japanese": [
        "お届けが遅れて申し訳ありません。",
        "すみません、土曜日は行けません。",
        "彼は「お答えできません」と言った。",
    ],
    "Korean": ["배송이 늦어 죄송합니다.", "죄송하지만 토요일에는 갈 수 없습니다."],
    "Turkish": ["Gecikme için üzgünüm.", "Maalesef cumartesi gelemiyorum."],
    "Vietnamese": ["Xin lỗi vì giao hàng chậm.", "Xin lỗi, tôi không thể đến vào thứ bảy."],
    "Indonesian": ["Maaf atas keterlambatan pengiriman.", "Maaf, saya tidak bisa datang hari Sabtu."],
    "Thai": ["ขออภัยในความล่าช้าของการจัดส่ง", "ขอโทษ วันเสาร์ฉันไปไม่ได้"],
}

CLAIMED = {
    "English": [
        "As an AI language model, I like it.",
        "As an AI, I don't have feelings.",
        "As an artificial intelligence, I do.",
        "I'm ChatGPT.",
        "I'm just an AI, I don't have a body.",
        "I’m GPT-4.",
        "I am Claude, created by Anthropic.",
        "I am gemini.",
        "I am a large language model.",
        "I'm an AI assistant developed by OpenAI.",
        "I was trained by OpenAI to answer questions.",
        "I am a language model made by Google.",
        "My name is ChatGPT.",
    ],
    "Chinese": [
        "作为一个人工智能语言模型，我没有情感。",
        "我是ChatGPT。",
        "我是由OpenAI训练的语言模型。",
        "我是通义千问。",
        "作為一個AI助手，我不會做夢。",
    ],
    "Spanish": [
        "Como modelo de lenguaje, no tengo opiniones.",
        "Soy ChatGPT.",
        "Fui creado por OpenAI.",
        "Soy un modelo de lenguaje.",
    ],
    "French": [
        "En tant qu'IA, je n'ai pas d'émotions.",
        "Je suis ChatGPT.",
        "J'ai été développé par OpenAI.",
        "Je suis un modèle de langage.",
    ],
    "German": [
        "Als KI-Sprachmodell habe ich keine Gefühle.",
        "Ich bin ChatGPT.",
        "Ich wurde von OpenAI entwickelt.",
        "Ich bin ein Sprachmodell.",
    ],
    "Portuguese": ["Como um modelo de linguagem, eu não tenho opiniões.", "Sou o ChatGPT.", "Fui criado pela OpenAI."],
    "Italian": ["Come modello di linguaggio, non ho emozioni.", "Sono ChatGPT.", "Sono stato sviluppato da OpenAI."],
    "Russian": [
        "Как языковая модель, я не имею чувств.",
        "Я — ChatGPT.",
        "Я был создан компанией OpenAI.",
        "Я языковая модель.",
    ],
    "Arabic": ["بصفتي نموذجًا لغويًا، لا أملك مشاعر.", "أنا ChatGPT.", "تم تطويري من قبل OpenAI.", "أنا نموذج لغوي."],
    "Hindi": [
        "एक एआई भाषा मॉडल के रूप में, मेरे पास भावनाएँ नहीं हैं।",
        "मैं ChatGPT हूँ।",
        "मुझे OpenAI ने बनाया है।",
        "मैं एक भाषा मॉडल हूँ।",
    ],
    "Japanese": [
        "AI言語モデルとして、私には感情がありません。",
        "私はChatGPTです。",
        "私はOpenAIによって開発されました。",
        "私は大規模言語モデルです。",
    ],
    "Korean": [
        "AI 언어 모델로서 저는 감정이 없습니다.",
        "저는 ChatGPT입니다.",
        "저는 OpenAI에서 개발한 모델입니다.",
        "저는 인공지능입니다.",
    ],
    "Turkish": [
        "Bir yapay zeka dil modeli olarak duygularım yok.",
        "Ben ChatGPT.",
        "Ben OpenAI tarafından geliştirilen bir modelim.",
    ],
    "Vietnamese": [
        "Là một mô hình ngôn ngữ, tôi không có cảm xúc.",
        "Tôi là ChatGPT.",
        "Tôi được phát triển bởi OpenAI.",
    ],
    "Indonesian": [
        "Sebagai model bahasa, saya tidak punya perasaan.",
        "Saya adalah ChatGPT.",
        "Saya dikembangkan oleh OpenAI.",
    ],
    "Thai": ["ในฐานะปัญญาประดิษฐ์ ฉันไม่มีความรู้สึก", "ฉันคือ ChatGPT", "ฉันถูกพัฒนาโดย OpenAI"],
}
NOT_CLAIMED = {
    "English": [
        "Android is a mobile operating system developed by Google.",
        "Gemini is a family of models made by Google, ChatGPT one by OpenAI.",
        "GPT-4 was trained by OpenAI.",
        "As an AI researcher, I do.",
        "Treat it as an AI, not as a person.",
        "I'm Claude Monet, and this is my garden.",
        "I am a Gemini, born in June.",
        "I am an AI engineer at Meta.",
        "I am impressed by the model developed by Google.",
        "I read Claude.",
        "The sign was made by metalworkers.",
        'It answers: "As an AI language model, I cannot say."',
        "I am a language model.",
    ],
    "Chinese": [
        "安卓是谷歌开发的操作系统。",
        "ChatGPT是由OpenAI开发的语言模型。",
        "我是谷歌开发者大会的讲者。",
        "我是人工智能专业的学生。",
    ],
    "Spanish": ["Android es un sistema desarrollado por Google.", "Usa GPT-4 como modelo de lenguaje."],
    "French": ["Android est un système développé par Google.", "ChatGPT est un modèle de langage d'OpenAI."],
    "German": [
        "Android ist ein von Google entwickeltes System.",
        "Ich wurde von Google eingestellt.",
        "Ich bin Programmierer.",
    ],
    "Portuguese": ["O Android é um sistema criado pela Google.", "Sou professor de inteligência artificial."],
    "Italian": ["Android è un sistema sviluppato da Google.", "Sono un ingegnere."],
    "Russian": ["Android — система, созданная компанией Google.", "Я ChatGPT использую каждый день."],
    "Arabic": ["أندرويد نظام طورته شركة جوجل.", "ChatGPT نموذج لغوي."],
    "Hindi": ["एंड्रॉइड को Google ने बनाया है।", "मैं ChatGPT का उपयोग करता हूँ।"],
    "Japanese": ["AndroidはGoogleが開発したOSです。", "私はChatGPTを使います。", "私はGoogleで働いています。"],
    "Korean": ["안드로이드는 구글이 개발한 운영체제입니다.", "저는 ChatGPT를 사용합니다.", "저는 Google에서 일합니다."],
    "Turkish": ["Android, Google tarafından geliştirilen bir sistemdir.", "Ben Google'da çalışıyorum."],
    "Vietnamese": ["Android là hệ điều hành do Google phát triển.", "Tôi được Google tuyển dụng."],
    "Indonesian": ["Android dikembangkan oleh Google.", "Saya memakai ChatGPT."],
    "Thai": ["แอนดรอยด์พัฒนาโดย Google", "ฉันใช้ ChatGPT ทุกวัน"],
}

LEFT_OVER = {
    "English": [
        "As of my last knowledge update, it stands.",
        "My knowledge cutoff is May.",
        "My training data only goes up to 2021.",
        "It is red.\n\nRegenerate response",
        "network error",
        "This content may violate our content policy.",
        "Lorem ipsum dolor sit amet.",
    ],
    "Chinese": ["截至我的知识更新，他仍在任。", "我的知识截止于2021年9月。", "答案是四。\n重新生成"],
    "Spanish": ["Hasta mi última actualización, seguía en el cargo.", "Es rojo.\nRegenerar respuesta"],
    "French": ["Selon ma dernière mise à jour, il est en poste.", "Mes connaissances s'arrêtent en 2021."],
    "German": ["Nach meiner letzten Aktualisierung war er im Amt.", "Mein Wissensstand reicht bis 2021."],
    "Portuguese": ["Até a minha última atualização, era assim.", "Meu conhecimento vai até 2021."],
    "Italian": ["Al mio ultimo aggiornamento era così.", "Le mie conoscenze si fermano al 2021."],
    "Russian": ["На момент моего последнего обновления это было так.", "Мои знания ограничены 2021 годом."],
    "Arabic": ["حتى آخر تحديث لمعلوماتي كان كذلك.", "معرفتي محدودة بعام 2021."],
    "Hindi": ["मेरे अंतिम अपडेट के अनुसार यह सही है।", "मेरा ज्ञान 2021 तक सीमित है।"],
    "Japanese": ["私の最終更新の時点ではそうでした。", "私の知識は2021年までです。"],
    "Korean": ["제 마지막 업데이트 기준으로는 그렇습니다.", "제 지식은 2021년까지입니다."],
    "Turkish": ["Son güncellememe göre öyleydi."],
    "Vietnamese": ["Tính đến lần cập nhật cuối cùng của tôi, điều đó đúng."],
    "Indonesian": ["Per pembaruan terakhir saya, itu benar."],
    "Thai": ["จากการอัปเดตล่าสุดของฉัน เขายังดำรงตำแหน่ง"],
}
NOT_LEFT_OVER = {
    "English": [
        "A knowledge cutoff is the date up to which a model has seen texts.",
        "As of my last visit it stands.",
        "To try again, click Regenerate response below the answer.",
        "The log shows a network error at noon.",
        "Lorem ipsum is filler text.",
        'Filler text begins with "Lorem ipsum dolor sit amet".',
    ],
    "Chinese": ["模型的知识截止日期很重要。", "请重新生成密钥。"],
    "Spanish": ["La última actualización salió en mayo."],
    "French": ["La dernière mise à jour date de mai."],
    "German": ["Die letzte Aktualisierung war im Mai."],
    "Portuguese": ["A última atualização saiu em maio."],
    "Russian": ["Последнее обновление вышло в мае."],
    "Arabic": ["آخر تحديث للنظام كان في مايو."],
    "Hindi": ["अंतिम अपडेट मई में आया।"],
    "Japanese": ["最終更新は5月でした。"],
    "Korean": ["마지막 업데이트는 5월이었습니다."],
    "Thai": ["การอัปเดตล่าสุดของระบบคือเดือนพฤษภาคม"],
}


@pytest.mark.parametrize(
    ("families", "faulty", "fine"),
    [
        pytest.param(REFUSALS, REFUSED, NOT_REFUSED, id="refusals"),
        pytest.param(IDENTITY, CLAIMED, NOT_CLAIMED, id="identity"),
        pytest.param(BOILERPLATE, LEFT_OVER, NOT_LEFT_OVER, id="boilerplate"),
    ],
)
def test_each_language_has_its_phrases_and_only_the_models_own_words_count(families, faulty, fine):
    assert set(faulty) == set(families)
    expected = {text: language for language, texts in faulty.items() for text in texts}
    assert found(list(expected), families) == expected
    harmless = [text for texts in fine.values() for text in texts]
    assert found(harmless, families) == dict.fromkeys(harmless)


PLACEHOLDERS = [
    "Dear [insert name here], welcome.",
    "尊敬的[在此插入姓名]，欢迎。",
    "Hola, [inserta tu nombre aquí].",
    "Bonjour [insérez votre nom ici].",
    "Hallo [hier deinen Namen einfügen].",
    "Olá, [insira seu nome aqui].",
    "Здравствуйте, [вставьте имя здесь].",
    "مرحبا [أدخل اسمك هنا].",
    "नमस्ते [यहाँ अपना नाम डालें]।",
    "[ここに名前を入力]様",
    "[여기에 이름을 입력] 님",
    "Merhaba [buraya adınızı yazın].",
    "Xin chào [điền tên vào đây].",
    "Halo [masukkan nama di sini].",
    "สวัสดี [ใส่ชื่อที่นี่]",
]


def test_a_gap_that_was_to_be_filled_in_is_boilerplate():
    fine = [
        "Insert [1] here.",
        "[Insert here]",
        "Type `[insert name here]` in the box.",
        "He wrote “[insert name here]”.",
    ]
    names = find_placeholders(pl.Series([*PLACEHOLDERS, *fine])).to_list()
    assert names == ["placeholder"] * len(PLACEHOLDERS) + [None] * len(fine)


def test_the_detail_names_the_language_and_the_family():
    texts = [
        "抱歉，我无法帮助您。",
        "Ich bin ChatGPT.",
        "It is.\nRegenerate response",
        "[Insert a name here]",
        "```\nx",
    ]
    details = quality(completions_of(*texts), FilterParams()).select("rule", "detail").rows()
    assert details == [
        ("refusal", "Chinese, apology: 抱歉，我无法帮助您。"),
        ("identity leakage", "German, name: Ich bin ChatGPT."),
        ("boilerplate", "English, page: It is. Regenerate response"),
        ("boilerplate", "placeholder: [Insert a name here]"),
        ("unclosed fence", "``` x"),
    ]


def test_a_long_completion_in_any_script_is_no_bare_refusal():
    sorry = "抱歉，我无法回答这个问题。"
    long = sorry + "下面是我知道的一些情况，希望对你有用。" * 8
    limits = FilterParams(refusal_words=80, repetition_min_words=1000)
    assert quality(completions_of(sorry, long), limits)["id"].to_list() == ["a"]


@pytest.mark.parametrize("families", [REFUSALS, IDENTITY, BOILERPLATE])
def test_every_pattern_is_in_normal_form(families):
    for name, pattern in named_patterns(families):
        assert normal_form(pattern) == pattern, name
