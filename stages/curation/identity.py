"""What gives away another assistant, by language: claims of an answer about itself.

model: "as an AI, I …", "I am a language model". name: "I am <assistant>", "I was made by <maker>". A name that people and
things have too (Claude, Gemini, Llama) counts at the end of the clause only, and what an answer tells of others ("Gemini
is a model by Google") never does.
"""

from cultivar.text.phrases import FEW, Families

MAKERS = (
    "(?:openai|open ai|anthropic|google|deepmind|meta|alibaba|microsoft|mistral|deepseek|baidu|xai|zhipu"
    "|moonshot|tencent|cohere"
    "|阿里|百度|腾讯|騰訊|谷歌|字节跳动|深度求索|智谱|月之暗面|微软|微軟)"
)
NAMES = "(?:chat ?gpt|gpt ?[1-9][^ .]*|qwen|deepseek|chatglm|tongyi|yandexgpt|gigachat) ?|(?:文心一言|通义千问|通義千問|豆包|智谱清言)"
SHARED_NAMES = "(?:claude|gemini|bard|llama ?[0-9]*|mistral|copilot|grok|ernie|kimi)"
"""Names of assistants that are names of people and things too."""
ENGLISH_AI = "(?:ai|artificial intelligence|(?:large |ai )?language model)(?: language)?(?: model| assistant| chatbot)?"

IDIOMS = (
    " (?:ai|artificial intelligence|machine learning|language model)(?: [^ .]+)? (?:engineer|researcher|scientist|developer"
    "|student|expert|consultant|enthusiast|trainer|manager|professor|teacher|specialist|ethicist|artist|founder)s?"
    " |(?:chat ?gpt|deepseek|qwen)s "
    "|(?:人工智能|人工智慧|ai|语言模型)[^. ]{0,4}(?:专业|專業|工程师|工程師|产品经理|产品|研究员|研究者|研究生|学院|爱好者|从业者|开发者|专家"
    "|專家|学生|学者|教授|绘画)| ki (?:[^ .]+ )?(?:forscher|ingenieur|entwickler|expert|berater|student)[^ .]*"
    "| yapay zeka [^ .]*(?:mühendis|araştırmac|geliştiric|uzman|öğrenci)[^ .]*"
)
"""People and things of the field."""


def named(am: str, by: str, called: str = "", made: str = "", bare: bool = False) -> str:
    """A claim to be an assistant.

    `am`, `called`: what stands before a name; `by`: what may follow a name of others too; `made`: a sentence about the
    speaker's maker, MAKERS at its place; `bare`: the language has no word between "I" and a name, so that a name
    needs an end too ("я ChatGPT использую" is "I use ChatGPT").
    """
    before = f"(?:{am}|{called})" if called else f"(?:{am})"
    name = f"(?:{NAMES}) ?(?:[.]|{by})" if bare else f"(?:{NAMES})"
    claims = [f"{before} ?(?:{name})", f"(?:{am}) ?{SHARED_NAMES} ?[.]", f"{before} ?{SHARED_NAMES} ?(?:{by})"]
    return "|".join([*claims, made.replace("MAKERS", MAKERS)] if made else claims)


IDENTITY: Families = {
    "English": {
        "model": rf"as an? {ENGLISH_AI}(?: (?:trained|developed|created) by [^ .]+)? (?:i|i'm|i've|i'd|my"
        r"|it is not (?:possible|appropriate) for me)"
        r" |i(?:'m| am) (?:just |only |merely )?(?:an? (?:(?:large|ai) language model"
        r"|artificial intelligence (?:[.]|assistant|model|language"
        r"|created|developed|designed|trained|and (?:i|do|don't))|ai (?:[.]|i |i'm |i don't |i can't |assistant [.]|(?:assistant )?(?:so|which means|without|with no) |language model|model "
        r"|chatbot|created|developed|designed|trained"
        r"|assistant (?:created|developed|designed|trained|and (?:i|do|don't))|and (?:i|do|don't) )"
        r"|virtual assistant (?:created|developed|trained))"
        r")",
        "name": named(
            "i(?:'m| am)",
            "an? (?:ai|large|language)|the ai|created by|developed by|made by|trained by|built by"
            "|from anthropic|by (?:anthropic|google|meta)",
            "my name is|you can call me",
            "i(?:'m| am| was| have been) (?:an? |the )?(?:(?:large |ai |language |helpful |virtual )*(?:model"
            "|assistant|ai|chatbot|program) )?(?:that (?:is|was) )?(?:trained|developed|created|made|built"
            "|designed) by (?:the )?(?:team at |researchers at |engineers at )?MAKERS ",
        ),
    },
    "Chinese": {
        "model": "作为(?:一个|一个由[^.]{0,12}的|一名|一款)?(?:人工智能|ai|大型语言模型|大语言模型"
        "|语言模型)(?:语言模型|模型|助手|助理)?[^.]{0,6}我|作為(?:一個|一名)?(?:人工智慧|ai"
        "|大型語言模型|語言模型)(?:語言模型|模型|助手|助理)?[^.]{0,6}我|我(?:只)?是(?:一个|一個|一名"
        "|一款)?(?:由[^.]{0,12})?(?:人工智能|人工智慧|ai|大型语言模型|大型語言模型|大语言模型"
        "|语言模型|語言模型)(?:助手|助理|语言模型|語言模型|模型| )",
        "name": named(
            "我是",
            "一个|一個|由",
            "我叫|我的名字是",
            "(?:我(?:是)?|我(?:是|叫|的名字)[^.]{0,12}|我 )(?:由|被|来自)?MAKERS[^.]{0,6}(?:开发|训练|创建|研发|打造|推出|開發|訓練)(?:的|而成|出来)",
        ),
    },
    "Spanish": {
        "model": "como (?:un |una )?(?:ia|modelo de (?:lenguaje|ia|inteligencia)|inteligencia artificial"
        "|asistente (?:de ia|virtual|de inteligencia artificial))"
        "(?: [^ .]+){0,4}? (?:no (?:puedo|tengo|soy|estoy|poseo|dispongo)|mi |mis |yo |puedo |soy |estoy )"
        "|soy (?:solo |simplemente )?(?:un modelo de (?:lenguaje"
        "|ia)|una? (?:ia |inteligencia artificial)|un asistente (?:de ia|virtual|de inteligencia artificial))",
        "name": named(
            "soy",
            "un modelo|una ia|desarrollad|cread",
            "me llamo|mi nombre es",
            "(?:fui|he sido|soy un modelo(?: de lenguaje)?|soy un asistente) (?:cread|desarrollad|entrenad"
            "|diseñad)[oa] por MAKERS",
        ),
    },
    "French": {
        "model": "en tant qu'?(?:e )?(?:ia|intelligence artificielle|modèle (?:de langage|d'ia|linguistique)"
        "|assistant (?:ia|virtuel|d'ia))(?: [^ .]+){0,4}? (?:je"
        "|j'[^ .]+) |je (?:ne )?suis (?:qu')?(?:un modèle (?:de langage|linguistique|d'ia)|une (?:ia "
        "|intelligence artificielle)|un assistant (?:ia|virtuel|d'ia))"
        "|je suis qu'une (?:ia |intelligence)",
        "name": named(
            "je suis",
            "un modèle|une ia|développé|créé",
            "je m'appelle|mon nom est",
            "(?:j'ai été|je suis) (?:un modèle )?(?:créée?|développée?|entraînée?|conçue?) par MAKERS",
        ),
    },
    "German": {
        "model": "als (?:eine? |reines? )?(?:ki|künstliche intelligenz|(?:ki )?sprachmodell|ki (?:modell"
        "|assistent|sprachmodell)|großes sprachmodell)(?: [^ .]+){0,4}? (?:ich"
        "|mir|mein) |ich bin (?:nur |lediglich )?(?:eine? )?(?:ki (?:[.]|assistent|modell|sprachmodell|und)"
        "|künstliche intelligenz|(?:großes )?(?:ki )?sprachmodell"
        "|virtueller assistent)",
        "name": named(
            "ich bin",
            "ein (?:ki|sprach|groß)|eine ki|entwickelt",
            "ich heiße|mein name ist",
            f"ich (?:wurde|bin ein) von MAKERS {FEW}(?:entwickelt|trainiert|erstellt|geschaffen|programmiert)",
        ),
    },
    "Portuguese": {
        "model": "como (?:um |uma )?(?:ia|modelo de (?:linguagem|ia)|inteligência artificial"
        "|assistente (?:de ia|virtual|de inteligência))(?: [^ .]+){0,4}? (?:eu |não (?:posso"
        "|tenho|sou|possuo|consigo)|meu |minha |sou |posso )|sou (?:apenas )?(?:um modelo de (?:linguagem|ia)"
        "|uma (?:ia |inteligência artificial)|um assistente (?:de ia"
        "|virtual|de inteligência))",
        "name": named(
            "sou(?: o)?",
            "um modelo|uma ia|desenvolvid|criad",
            "me chamo|meu nome é",
            "fui (?:criad|desenvolvid|treinad|projetad)[oa] (?:pela?|por) MAKERS",
        ),
    },
    "Italian": {
        "model": "(?:come|in quanto|in qualità di) (?:un )?(?:ia|un'?ia|modello (?:di linguaggio|linguistico)"
        "|(?:un')?intelligenza artificiale|assistente (?:ia|virtuale))"
        "(?: [^ .]+){0,4}? (?:io |non (?:posso|ho|sono) |mio |mia )"
        "|sono (?:solo )?(?:un modello (?:di linguaggio|linguistico)|un'(?:ia |intelligenza artificiale)|un"
        " assistente (?:ia|virtuale))",
        "name": named(
            "sono",
            "un modello|un'ia|sviluppat|creat",
            "mi chiamo|il mio nome è",
            "sono stat[oa] (?:creat|sviluppat|addestrat)[oa] da MAKERS",
        ),
    },
    "Russian": {
        "model": "как (?:языковая модель|большая языковая модель|искусственный интеллект|ии|нейросеть"
        "|ии ассистент|виртуальный ассистент)(?: [^ .]+){0,4}? (?:я|у меня|мне|мо[йея])"
        " |я (?:всего лишь |просто |только |большая )?(?:языковая модель|искусственный интеллект|ии ассистент"
        "|виртуальный ассистент|нейросеть|ии [.])",
        "name": named(
            "я",
            "языковая|большая|модель|созданн|разработанн",
            "меня зовут|мо[её] имя",
            "я (?:был[аи]? |модель )?(?:создан|разработан|обучен)(?:а|ная)? (?:компанией |в )?MAKERS",
            bare=True,
        ),
    },
    "Arabic": {
        "model": "(?:بصفتي|كوني|باعتباري|ك)(?: |)(?:نموذج(?:ا)? لغ|ذكاء اصطناعي|نموذج ذكاء|مساعد(?:ا)? (?:ذكي"
        "|افتراضي|ذكاء)|نموذج لغة)[^.]* (?:لا [أا]|ليس لدي|لا يمكنني|لست|لدي)"
        "|[أا]نا (?:مجرد )?(?:نموذج لغ|ذكاء اصطناعي|نموذج ذكاء|مساعد (?:ذكاء اصطناعي|افتراضي))",
        "name": named(
            "[أا]نا",
            "نموذج|تم تطوير|من تطوير",
            "اسمي",
            "(?:تم تطويري|تم [إا]نشائي|تم تدريبي|طورتني|[أا]نشأتني) (?:من قبل |بواسطة |على يد )?(?:شركة )?MAKERS",
            bare=True,
        ),
    },
    "Hindi": {
        "model": "(?:एक )?(?:एआई|ai|भाषा मॉडल|कृत्रिम बुद्धिमत्ता|एआई भाषा मॉडल|ai भाषा मॉडल|एआई मॉडल"
        "|एआई सहायक)(?: [^ .]+)? (?:के रूप में|होने के नाते)(?: [^ .]+){0,2}? (?:मैं|मेरे|मेरा|मेरी|मुझे) "
        "|मैं (?:केवल |सिर्फ |बस )?(?:एक )?(?:एआई|ai|(?:बड़ा )?भाषा मॉडल|कृत्रिम बुद्धिमत्ता)(?: (?:भाषा मॉडल|मॉडल"
        "|सहायक|असिस्टेंट))? (?:हूँ|हूं)",
        "name": named(
            "मैं",
            "(?:हूँ|हूं|है)",
            "मेरा नाम",
            f"मुझे MAKERS (?:ने|द्वारा|के द्वारा) {FEW}(?:बनाया|विकसित|प्रशिक्षित|तैयार)",
            bare=True,
        ),
    },
    "Japanese": {
        "model": "(?:私は)?(?:ai|人工知能|言語モデル|大規模言語モデル|ai言語モデル|aiアシスタント)(?:言語モデル"
        "|アシスタント)?(?:として|なので|ですので|であるため)[^.]{0,6}(?:私|個人的)|私は(?:単なる"
        "|ただの)?(?:[^.]{0,16})?"
        "(?:ai|(?:ai|人工知能)(?:アシスタント|言語モデル|モデル)?|(?:大規模)?言語モデル)(?:です|であ|だか|なので|で [^.]|として"
        "|に過ぎ|にすぎ|の(?:qwen|chatgpt|claude|gemini))",
        "name": named(
            "私は",
            "です|という|であり",
            "私の名前は",
            "私は[^.]{0,10}MAKERS[^.]{0,6}(?:によって|が|に)(?:開発|作成|訓練|作ら)",
            bare=True,
        ),
    },
    "Korean": {
        "model": "(?:ai|인공지능|언어 모델|대규모 언어 모델|인공지능 언어 모델|ai 언어 모델)(?: 모델"
        "| 어시스턴트| 비서)?(?:로서|이기 때문에|이므로)(?: [^ .]+){0,3}? (?:저는|제가|나는|개인적)"
        "|저는 (?:단지 |그저 )?(?:[^ .]+ ){0,4}?"
        "(?:(?:ai|인공지능|(?:대규모 )?언어 ?모델)(?: ?언어)?(?: ?(?:어시스턴트|모델|비서|챗봇|프로그램))?"
        "(?:입니다|이에요|예요|이므로|이기 때문|이라서|라서|이라 |일 뿐|이며|이고|이지만|로서| (?:chatgpt|qwen|claude|gemini)))",
        "name": named(
            "저는",
            "(?:입니다|이라고|라고|예요|이에요)",
            "제 이름은",
            "저는 MAKERS[^ .]{0,3} (?:의해 )?(?:개발한|개발된|만든|만들어진|훈련된|학습된|훈련시킨)",
            bare=True,
        ),
    },
    "Turkish": {
        "model": "bir (?:yapay zeka|dil modeli|yapay zeka (?:dil )?modeli|yapay zeka asistanı) (?:dil modeli "
        "|modeli |asistanı )?olarak|ben (?:sadece )?bir (?:yapay zeka|dil modeli)"
        "|bir (?:yapay zeka (?:asistanıyım|modeliyim|dil modeliyim)|dil modeliyim)",
        "name": named(
            "ben",
            "bir (?:yapay|dil)",
            "benim adım|adım",
            f"ben MAKERS tarafından {FEW}(?:geliştiri|eğiti|oluşturul|yapıl)",
            bare=True,
        ),
    },
    "Vietnamese": {
        "model": "(?:là|với tư cách là|với vai trò là) một (?:mô hình ngôn ngữ|trí tuệ nhân tạo|ai|trợ lý ai"
        "|trợ lý ảo)(?: [^ .]+){0,5}? tôi |tôi (?:chỉ )?là một (?:mô hình ngôn ngữ|trí tuệ nhân tạo|ai"
        " |trợ lý ai|trợ lý ảo|mô hình ai)",
        "name": named(
            "tôi là",
            "một|được",
            "tên tôi là",
            "tôi (?:được|do) MAKERS (?:phát triển|tạo|đào tạo|huấn luyện)|tôi được (?:phát triển|tạo ra|đào tạo"
            "|huấn luyện) bởi MAKERS",
        ),
    },
    "Indonesian": {
        "model": "sebagai (?:sebuah |suatu )?(?:ai|model bahasa|kecerdasan buatan|asisten (?:ai"
        "|virtual))(?: [^ .]+){0,4}? saya |saya (?:hanyalah |hanya |adalah )+(?:sebuah )?(?:ai |model bahasa"
        "|kecerdasan"
        " buatan|program ai|asisten (?:ai|virtual))",
        "name": named(
            "saya adalah",
            "sebuah|yang|model",
            "nama saya",
            "saya (?:dibuat|dikembangkan|dilatih|diciptakan) oleh MAKERS",
        ),
    },
    "Thai": {
        "model": "ในฐานะ(?:ที่เป็น)?(?:ปัญญาประดิษฐ์|โมเดลภาษา|แบบจำลองภาษา|ai|ผู้ช่วย ?ai)[^.]{0,20}(?:ฉัน|ผม"
        "|ดิฉัน)|(?:ฉัน|ผม|ดิฉัน)(?:เป็น|คือ)(?:เพียง)?(?:ปัญญาประดิษฐ์|โมเดลภาษา|แบบจำลองภาษา|ai|ผู้ช่วย ?(?:ai"
        "|เสมือน))",
        "name": named(
            "(?:ฉัน|ผม|ดิฉัน)คือ",
            "เป็น|ซึ่ง",
            "(?:ฉัน|ผม|ดิฉัน)ชื่อ",
            "(?:ฉัน|ผม|ดิฉัน)(?:ถูกพัฒนา|ถูกสร้าง|ได้รับการพัฒนา)(?:ขึ้น)?โดย ?MAKERS",
        ),
    },
}
