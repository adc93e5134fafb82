"""What gives away another assistant, by language: claims of an answer about itself, and leftovers of a chat's page.

model: "as an AI, I …", "I am a language model". name: "I am <assistant>", "I was made by <maker>". A name that people and
things have too (Claude, Gemini, Llama) counts at the end of the clause only, and what an answer tells of others ("Gemini
is a model by Google") never does.
cutoff: what the speaker knew at its last update. page: buttons and error messages, alone on their line. placeholder:
what was to be filled in.
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
        r"|created|developed|designed|trained|and (?:i|do|don't))|ai (?:[.]|assistant [.]|language model|model "
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
            "我(?:是)?(?:由)?[^.]{0,8}MAKERS[^.]{0,6}(?:开发|训练|创建|研发|打造|推出|開發|訓練)(?:的|而成|出来)",
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
        "(?:ai(?:アシスタント|言語モデル|モデル|です|であ|なので)|人工知能(?:です|であ|なので|アシスタント)"
        "|大規模言語モデル|言語モデル(?:です|であ|なので))",
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
        "(?:ai (?:어시스턴트|언어|모델|비서|챗봇)|ai입니다|인공지능(?: |입니다|이|언어)|언어 ?모델|대규모 언어)",
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

BOILERPLATE: Families = {
    "English": {
        "cutoff": "as of my (?:(?:last|latest|most recent|current) )?(?:knowledge |training )?(?:update"
        "|training|cut ?off|knowledge)|my (?:knowledge|training) (?:data )?(?:cut ?off"
        "|(?:only )?(?:goes|extends|is limited|ends|is current|was last updated))|up to my (?:last"
        "|latest) (?:update|training)",
        "page": r"(?:[.] (?:regenerate response|network error) [.]|there was an error generating a response"
        r"|this content may violate (?:our|openai's))",
        "placeholder": "lorem ipsum dolor",
    },
    "Chinese": {
        "cutoff": "(?:截至|截止到?|根据|直到|截止至)我(?:的)?(?:知识|训练|最后(?:一次)?|最近(?:一次)?"
        "|上次)[^.]{0,6}(?:更新|截止|数据)|我的(?:知识|训练数据|训练|知識|訓練資料)(?:库)?(?:截止|只到|更新到"
        "|更新至|截至|僅到)",
        "page": "[.] (?:重新生成(?:回答|回复|响应|回應)?|网络错误|網路錯誤) [.]",
    },
    "Spanish": {
        "cutoff": "(?:hasta|a partir de|según|a fecha de) mi (?:última|ultima|más reciente) (?:actualización"
        "|fecha de corte)|mi (?:fecha de corte|conocimiento (?:llega|se limita|se extiende|está"
        " actualizado)|entrenamiento (?:llega|termina))",
        "page": "[.] (?:regenerar (?:la )?respuesta|error de red) [.]",
    },
    "French": {
        "cutoff": "(?:selon|à|depuis|lors de|jusqu'à|à la date de) ma dernière (?:mise à jour|formation)"
        "|mes connaissances (?:s'arrêtent|se limitent|ne vont|remontent)|ma date de (?:coupure|fin"
        " de formation)|mes données d'entraînement (?:s'arrêtent|vont)",
        "page": "[.] (?:régénérer la réponse|erreur réseau) [.]",
    },
    "German": {
        "cutoff": "(?:stand|seit|zum zeitpunkt|nach|bis zu|zu) meine[rsm] letzten (?:aktualisierung|wissens"
        "|update|training)|mein wissens?(?:stand|cutoff| cutoff)? (?:reicht|endet|ist auf dem stand)"
        "|meine (?:trainingsdaten|wissensdaten) (?:reichen|enden)",
        "page": "[.] (?:antwort neu generieren|netzwerkfehler) [.]",
    },
    "Portuguese": {
        "cutoff": "(?:até|a partir d[ea]|segundo|desde) (?:a )?minha última atualização"
        "|meu conhecimento (?:vai até|se limita|está atualizado|se estende)|minha data de corte"
        "|meus dados de treinamento (?:vão"
        " até|terminam)",
        "page": "[.] (?:regenerar (?:a )?resposta|erro de rede) [.]",
    },
    "Italian": {
        "cutoff": "(?:al|dal|fino al|secondo il) mio ultimo aggiornamento|le mie conoscenze (?:arrivano"
        "|si fermano|sono aggiornate|si limitano)|i miei dati di addestramento (?:arrivano|si fermano)",
        "page": "[.] (?:rigenera (?:la )?risposta|errore di rete) [.]",
    },
    "Russian": {
        "cutoff": "(?:на момент|по состоянию на момент|до|после|с момента) мо(?:его|ей) последне(?:го"
        "|й) (?:обновления|обучения)|мои (?:знания|данные) (?:ограничены|обрываются|заканчиваются|актуальны)",
        "page": "[.] (?:сгенерировать (?:ответ )?(?:заново|снова)|повторить генерацию|ошибка сети) [.]",
    },
    "Arabic": {
        "cutoff": "(?:حتى|وفق|وفقا ل|اعتبارا من|منذ) ?(?:تاريخ )?[آا]خر تحديث (?:لي|لمعلوماتي|لبياناتي|لمعرفتي"
        "|لدي)|(?:معرفتي|معلوماتي|بياناتي|بيانات تدريبي) (?:محدثة|تتوقف|تنتهي|محدودة|تقتصر)",
        "page": "[.] (?:إعادة (?:إنشاء|توليد) (?:الرد|الاستجابة|الإجابة)|خطأ في الشبكة) [.]",
    },
    "Hindi": {
        "cutoff": "मेरे (?:अंतिम|आखिरी|आख़िरी|पिछले|नवीनतम) (?:[^ .]+ )?(?:अपडेट|अद्यतन|प्रशिक्षण)|मे(?:रा ज्ञान"
        "|री जानकारी|रे प्रशिक्षण डेटा) (?:[^ .]+ ){0,4}?(?:तक (?:ही )?(?:सीमित|है|का|की|अद्यतन|अपडेट))",
        "page": "[.] (?:प्रतिक्रिया पुनः (?:उत्पन्न|जनरेट) करें|नेटवर्क त्रुटि) [.]",
    },
    "Japanese": {
        "cutoff": "私の(?:最終|最後の|最新の|直近の)(?:[^.]{0,4})?(?:更新|アップデート|トレーニング|学習)"
        "|私の(?:知識|学習データ|トレーニングデータ|訓練データ)(?:は|の)[^.]{0,14}(?:まで|時点|カットオフ)",
        "page": "[.] (?:応答を再生成|回答を再生成|応答を再生成する|ネットワークエラー) [.]",
    },
    "Korean": {
        "cutoff": "(?:제|저의|나의) (?:마지막|최종|최신|최근) (?:[^ .]+ )?(?:업데이트|학습|훈련)|(?:제|저의"
        "|나의) (?:지식|학습 데이터|훈련 데이터)[은는이가] ",
        "page": "[.] (?:응답 다시 생성|답변 다시 생성|응답 재생성|네트워크 오류) [.]",
    },
    "Turkish": {
        "cutoff": "(?:benim )?son (?:güncellememe|bilgi güncellememe|güncellendiğim)|(?:benim )?(?:bilgilerim"
        "|bilgim|eğitim verilerim) (?:[^ .]+ ){0,3}?(?:kadar|sınırlı|ile sınırlı)",
        "page": "[.] (?:yanıtı yeniden oluştur|ağ hatası) [.]",
    },
    "Vietnamese": {
        "cutoff": "(?:tính đến|kể từ|theo|cho đến) (?:lần |bản )?cập nhật (?:kiến thức )?(?:cuối cùng|gần nhất"
        "|mới nhất|cuối) của tôi|kiến thức của tôi (?:chỉ |được )?(?:giới hạn|cập nhật|dừng)|dữ liệu"
        " (?:huấn luyện|đào tạo) của tôi",
        "page": "[.] (?:tạo lại (?:câu trả lời|phản hồi)|lỗi mạng) [.]",
    },
    "Indonesian": {
        "cutoff": "(?:per|sejak|hingga|sampai|berdasarkan) (?:pembaruan|pembaharuan|pelatihan) (?:terakhir"
        "|terbaru) saya|pengetahuan saya (?:hanya |terbatas|sampai|berakhir|diperbarui)|data pelatihan saya",
        "page": "[.] (?:buat ulang (?:respons|jawaban)|kesalahan jaringan) [.]",
    },
    "Thai": {
        "cutoff": "(?:อัปเดต|อัพเดต|ปรับปรุง)(?:ข้อมูล|ความรู้)?(?:ครั้ง)?(?:ล่าสุด|สุดท้าย)ของ(?:ฉัน|ผม|ดิฉัน)|(?:ความรู้"
        "|ข้อมูลการฝึก|ข้อมูลที่ใช้ฝึก)ของ(?:ฉัน|ผม|ดิฉัน)[^.]{0,12}(?:ถึง|สิ้นสุด|จำกัด|หยุด)",
        "page": "[.] (?:สร้างคำตอบใหม่|สร้างการตอบกลับใหม่) [.]",
    },
}

PLACEHOLDERS = (
    r"(?i)\[(?:please )?insert [^\[\]\n]{1,60}?(?: here)\]|\[(?:在此|请在此|此处|在这里)(?:处)?(?:插入|填写"
    r"|输入)[^\[\]\n]{0,40}\]|\[(?:inserta[r]?|introduzca|insira|inserir|insérer|insérez"
    r"|inserire|inserisci) [^\[\]\n]{1,60}? (?:aquí|aqui|ici|qui)\]|\[hier [^\[\]\n]{1,60}? (?:einfügen"
    r"|eintragen|einsetzen)\]|\[(?:вставьте|укажите|впишите) [^\[\]\n]{1,60}? здесь\]"
    r"|\[(?:أدخل|ضع) [^\[\]\n]{1,60}? هنا\]|\[यहाँ [^\[\]\n]{1,60}? (?:डालें|लिखें)\]|[\[［](?:ここに"
    r"|此処に)[^\[\]\n]{1,40}?(?:を挿入|を入力|を記入)[\]］]|\[여기에 [^\[\]\n]{1,40}? (?:삽입|입력)\]"
    r"|\[buraya [^\[\]\n]{1,60}? (?:ekleyin|yazın|girin)\]|\[(?:chèn|điền) [^\[\]\n]{1,60}? (?:vào đây|ở đây"
    r"|tại đây)\]|\[(?:masukkan|isi) [^\[\]\n]{1,60}? di sini\]|\[ใส่[^\[\]\n]{1,40}?ที่นี่\]"
)
"""What a template leaves to be filled in, with "here" in it; met with the text itself, because of its brackets."""
