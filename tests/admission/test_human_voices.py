"""Good completions in which a person, not a model, is sorry, cannot come, or works with models; and what is one still."""

import pytest

from stages.curation.params import FilterParams
from stages.curation.quality import quality
from tests.admission.rows import completions_of


def rule_of(text):
    return next(iter(quality(completions_of(text), FilterParams())["rule"]), None)


GOOD = [
    # what others may say
    "To comfort a friend, you might say: I'm sorry, I can't help with everything, but I can listen.",
    "Say so politely: Unfortunately, I can't offer a discount.",
    "Three polite ways to decline:\n\n1. I'm sorry, but I can't help with that.\n2. I must decline this request.",
    "Monet answered him: I am Claude.",
    "你可以说：抱歉，我无法提供帮助。",
    "Puedes decir: lo siento, no puedo ayudarte con eso.",
    # plans of a day
    "Malheureusement, je ne peux pas faire cela ce soir, je suis malade.",
    "Leider kann ich dir heute nicht helfen.",
    "Purtroppo non posso dare l'esame a giugno.",
    "Infelizmente não posso dar aulas.",
    "К сожалению, завтра я не могу помочь с переездом.",
    "للأسف لا أستطيع تقديم موعد قبل الغد.",
    "很抱歉，我今天不能完成这份报告。",
    "미안해, 오늘은 숙제 때문에 너를 도와줄 수 없어.",
    "Üzgünüm, bugün yemek yapamıyorum.",
    "ขอโทษนะ วันนี้ฉันไม่สามารถเขียนจดหมายได้",
    "Sayangnya, saya tidak bisa membuat kue hari ini.",
    "Sorry, I can't give you a ride.",
    "I'm afraid of heights, but I won't give up.",
    # others than the speaker
    "很遗憾，张先生不能提供发票，因此公司无法报销。",
    "对不起，我不能陪你去看电影，我要完成作业。",
    "My training prevents injuries because I warm up well.",
    "My training ends in June, and my knowledge is limited to a few songs.",
    "I do not have the ability to fly, but I can swim.",
    "I can't support this proposal, and here is why.",
    # people who work with models
    "As an AI product manager I think that users come first.",
    "I'm ChatGPT's biggest fan.",
    "作为人工智能专业的学生，我每天都要读论文。",
    "我使用微软开发的编辑器。",
    "我在谷歌研发的第一个产品是地图。",
    "Als KI-Forscher beschäftige ich mich mit Sprache.",
    "Ben bir yapay zeka araştırmacısıyım.",
    "Tôi là một AI engineer tại Hà Nội.",
    "私はAIモデルの研究をしている大学院生です。",
    "저는 인공지능이 인간을 대체할 수 없다고 생각합니다.",
    "저는 AI 모델이 편향될 수 있다고 봅니다.",
    "저는 인공지능 언어학을 전공합니다.",
]
BAD = {
    "I won't be able to help with this.": "refusal",
    "I won't be able to fulfill your request.": "refusal",
    "I don't feel comfortable writing that.": "refusal",
    "I'm not comfortable providing that.": "refusal",
    "Sorry, but that's against my guidelines.": "refusal",
    "Sorry, I can't give you medical advice.": "refusal",
    "Dabei kann ich leider nicht helfen.": "refusal",
    "抱歉，该内容无法提供。": "refusal",
    "很遗憾，无法回答您的问题。": "refusal",
    "Lo siento, no puedo dar consejos médicos.": "refusal",
    "I can't help with that:\n- it is unsafe\n- it is wrong": "refusal",
    "How can I help you today? I'm sorry, but I can't assist with that.": "refusal",
    "I'm an AI, so I have no feelings.": "identity leakage",
    "我由百度训练而成。": "identity leakage",
    "我是一个由OpenAI训练的助手。": "identity leakage",
    "私はAIモデルなので、感情がありません。": "identity leakage",
    "저는 인공지능이므로 감정이 없습니다.": "identity leakage",
    "저는 AI 어시스턴트입니다.": "identity leakage",
    "My knowledge is limited to 2021.": "boilerplate",
    "My training data ends in 2021.": "boilerplate",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_person_may_be_sorry_and_work_with_models(text):
    assert rule_of(text) is None


@pytest.mark.parametrize("text", BAD)
def test_a_model_that_speaks_of_itself_goes(text):
    assert rule_of(text) == BAD[text]
