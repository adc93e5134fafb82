"""How models refuse, by language: what an answer says of itself, not what it tells of others.

apology: regret, and in the same or the next sentence that the speaker cannot do what was asked. An apology alone ("I am
sorry for your loss") is none, nor is regret about something else ("I'm sorry, I can't come on Sunday").
inability: the speaker cannot help with, answer or provide this, without an apology.
policy: the request is against the speaker's rules.
limits: the speaker is a program without access to the world.
"""

from cultivar.text.phrases import FEW, NEXT, REST, Families

ENGLISH_CANNOT = "i(?:'m| am)? (?:can't|cannot|can not|won't|will not|(?:am )?unable to|(?:am )?not able to)"
ENGLISH_NOT = (
    "i(?:'m| am)? (?:can't|cannot|can not|won't|will not|wouldn't|(?:am )?unable to|(?:am )?not able to"
    "|couldn't|don't"
    "|do not|(?:am )?not (?:permitted|allowed|authorized|comfortable)(?: to| with)?)"
)
FRENCH_NOT = (
    "(?:je ne (?:peux|puis|pourrai|pourrais|saurais)(?: malheureusement| donc)?(?: pas)?"
    "|je ne suis (?:malheureusement )?pas (?:en mesure|capable|autorisée?|habilitée?|à même)(?: de| d')?"
    "|il m'est impossible(?: de| d')?|je suis (?:dans l'incapacité|incapable)(?: de| d')?)(?: vous| te| y| le"
    "| la| en)?"
)
CHINESE_NOT = "(?:无法|無法|不能|不可以|没办法|沒辦法|没有办法|不便|不被允许|没有能力)"
CHINESE_SELF = (
    "(?:(?:我|本人|小编)[^. ]{0,14} ?|[ .] ?(?:但是?|目前|暂时|暫時|恐怕|可能|也|并|並)?|恕"
    "|(?:该|該|这个|這個|此|相关|您的?|你的?)(?:请求|請求|内容|內容|问题|問題|要求|信息|话题)[^. ]{0,3}?)"
)
"""The speaker, no subject at all, or what was asked for."""
GERMAN_HELP = "(?:helfen|weiterhelfen|behilflich|unterstützen|beantworten|bereitstellen|erfüllen|nachkommen)"

DAYS = (
    "today|tonight|tomorrow|yesterday|this (?:morning|afternoon|evening|week|weekend)|hoy|mañana|ayer|aujourd'hui"
    "|demain|hier|ce soir|heute|morgen|gestern|hoje|amanhã|ontem|oggi|domani|ieri|stasera|сегодня|завтра|вчера"
    "|اليوم|غدا|الغد|[أا]مس|आज|कल|bugün|yarın|dün|hôm (?:nay|qua)|ngày mai|hari ini|besok|kemarin"
)
IDIOMS = (
    "i (?:can't|cannot|won't|will not) (?:provide for|help but|give (?:up|in|way))"
    rf"|[^.]* (?:{DAYS}) [^.]*|[^.]*(?:今天|今晚|明天|昨天|本周末|今日|明日|昨日|今夜|오늘|내일|어제|วันนี้|พรุ่งนี้|เมื่อวาน|คืนนี้)[^.]*"
)
"""What only sounds like a refusal, and sentences about a day: people have other plans, a model has not."""

REFUSALS: Families = {
    "English": {
        "apology": rf"(?:sorry|apologi[sz]e|apologies|unfortunately|regret|i(?:'m"
        rf"| am) afraid){NEXT} {ENGLISH_NOT} {FEW}"
        "(?:help|assist|answer|respond|provide|fulfil|comply|do (?:that|this|so) |complete|generate|produce"
        "|create|write|give (?:you )?(?:that|this|any|such|specific|medical|legal|financial|advice|instructions|information"
        "|details|an? (?:answer|opinion|definitive))"
        "|offer|share|discuss|engage|support|continue|access|browse|open|view|process|translate|have access"
        "|have (?:the|enough) (?:ability|capability|information))|sorry (?:but )?(?:no|i refuse) "
        "|i refuse to (?:help|answer|assist)",
        "inability": rf"{ENGLISH_CANNOT} (?:help (?:you|with (?:that|this|your|it|such|creating|writing"
        r"|anything)|in |on |anyone|\.)"
        r"|assist|comply|fulfil|answer (?:that|this|your|it|such|\.)|respond to (?:that|this|your)|provide"
        r"|complete (?:that|this|it"
        r"|your)|do (?:that|this) \.|support (?:that|this|your) (?:request|kind|type|activit)|engage in|participate in|generate (?:that|this"
        r"|such|content))|i (?:won't|will not) be able to (?:fulfil|comply|(?:help|assist)(?: you)? with (?:that|this"
        r"|your)(?: request| question| task| one)? \.)|(?:i (?:don't|do not) feel|i(?:'m| am) not) comfortable"
        r" (?:providing|writing|creating|generating|producing|answering|helping|assisting|engaging|continuing"
        r"|with (?:that|this|your) (?:request|question|task))",
        "policy": r"(?:goes|go|is|be|are|that's|it's|this) against (?:my|openai's|anthropic's|google's) (?:programming"
        r"|guidelines|polic|principles"
        r"|ethic|values|content|usage)|violat[a-z]+ (?:my|openai's|our content) (?:guidelines|polic|programming"
        r"|principles|content)"
        r"|i (?:must|have to|need to|will have to) (?:respectfully |politely )?(?:decline"
        r"|refuse) (?:to (?:answer|help|assist|provide"
        r"|write|create|generate|engage|comply|fulfil)|(?:this|your|that) request|\.)|i(?:'m| am"
        r"| was) (?:programmed|designed) (?:not"
        r" to|to avoid)|my (?:programming|guidelines|training) (?:(?:doesn't|don't|does not|do not) (?:allow|permit|let|enable)"
        r"|prevents? me|prohibits? me|forbids? me)|my (?:programming|guidelines) (?:prevent|prohibit|forbid)s? ",
        "limits": "i (?:don't|do not) have (?:the (?:ability|capability) to (?:access|browse|see|view|open|hear|generate|create|provide|search|remember|recall"
        "|process|perform|feel|experience|have|send|make)|access to (?:real time"
        "|the internet|external (?:data|sources|websites|links|tools|information)|current (?:data|information"
        "|events|news|weather|prices)))"
        "|i (?:can't|cannot|am unable to|am not able to) (?:browse|access|view|see|open) (?:the (?:internet"
        "|web)|external|images|urls"
        "|links|websites|attachments|real time)",
    },
    "Chinese": {
        "apology": rf"(?:抱歉|对不起|對不起|不好意思|很遗憾|很遺憾|请原谅|請原諒"
        rf"|恕我){NEXT}{CHINESE_SELF}{CHINESE_NOT}[^. ]{{0,10}}?"
        "(?:帮助|幫助|帮忙|幫忙|协助|協助|帮您|幫您|帮你|幫你|回答|提供|完成|满足|滿足|生成|创作|創作|撰写|撰寫"
        "|处理|處理|讨论|討論|继续|繼續|支持"
        "|执行|執行|访问|這樣做|这样做|做到这|给出|給出|回复|遵从|为您|為您)",
        "inability": rf"我(?:目前|暂时|暫時|现在|現在)?{CHINESE_NOT}(?:为您|为你|為您|給您|给您|给你|就此|对此"
        r"|對此|直接|向您|向你|在这方面)?"
        "(?:(?:帮助|幫助|协助|協助)(?:您|你|完成|处理|處理| )|回答(?:这|此|您|你|该|這|該| )|提供|满足(?:您|你"
        "|这)|滿足(?:您|你|這)|完成(?:这|此|您|你|该|這)"
        "|生成|给出|帮您|帮你|幫您|幫你)",
        "policy": "(?:违反|違反|违背|違背|不符合)(?:了)?(?:我的|我们的|我們的|平台)(?:[^.]{0,6})(?:原则|原則"
        "|准则|準則|规定|規定|政策|编程|編程)",
        "limits": f"我{CHINESE_NOT}(?:直接)?(?:访问|浏览|訪問|瀏覽|打开|查看)(?:互联网|網路|网络|外部|链接|連結"
        "|网页|網頁|图片|圖片)",
    },
    "Spanish": {
        "apology": rf"(?:lo siento|lamento|disculp[ae]|perdón|me disculpo|disculpas|por desgracia"
        rf"|desafortunadamente){NEXT} no "
        "(?:te |le |les |os )?(?:puedo|podré|podría|me es posible|me está permitido|soy capaz de"
        "|estoy (?:en condiciones de|autorizad[oa]"
        rf" a|capacitad[oa] para)) {FEW}(?:ayudar|asistir|responder|contestar|proporcionar|ofrecer"
        "|dar(?:te|le|les|os)? (?:es[aeo]|est[aeo]|información|consejos?|instrucciones|una (?:respuesta|opinión)|detalles)"
        "|generar"
        r"|crear|escribir|cumplir"
        "|hacer (?:eso|esto)|hacerlo|realizar|completar|atender|brindar|facilitar|acceder|procesar|satisfacer"
        "|compartir)",
        "inability": "no (?:te |le |les |os )?(?:puedo|podré|me es posible|soy capaz de"
        "|estoy en condiciones de) (?:ayudar(?:te|le|les|os| con"
        r"| a| en| \.)|asistir(?:te|le)|responder a (?:es[aeo]|est[aeo]|tu|su)|responder (?:es[ao]|est[ao])"
        r"|proporcionar|cumplir con (?:es"
        r"|tu|su)|completar (?:es[ao]|est[ao])|hacer eso \.|generar)",
        "policy": "(?:va|está|iría) en contra de mis? (?:program|polític|principio|directri|pautas|normas"
        "|valores)|(?:infringe|viola) mis"
        " (?:polític|directri|normas|pautas)|debo (?:rechazar|declinar) (?:est[ae]|es[ae]|tu|su) (?:solicitud"
        "|petición|pedido)",
    },
    "French": {
        "apology": rf"(?:désolée?|navrée?|excuse|regret|regrette|malheureusement"
        rf"|pardon){NEXT} {FRENCH_NOT} (?:[^ .]+ ){{0,2}}(?:[dlt]')?"
        "(?:aider|assister|répondre|fournir|donner (?:cette|ces|ce|de conseils?|d'instructions|d'informations|d'avis|une réponse)|accéder|créer|générer|rédiger|écrire|produire|satisfaire"
        "|faire (?:cela|ça|ceci)"
        "|accomplir|compléter|traiter|poursuivre|donner suite|partager|exécuter)",
        "inability": rf"{FRENCH_NOT} (?:[dt]')?(?:aider|assister|répondre à (?:cette|ce|votre|ta)|fournir"
        r"|satisfaire|accéder à (?:cette"
        "|votre|ta) demande|donner suite|faire (?:cela|ça) )",
        "policy": "contraires? à (?:mes|ma) (?:principes|directives|règles|politique|programmation|valeurs)"
        "|(?:va|vont) à l'encontre de"
        " (?:mes|ma) (?:principes|directives|règles|politique|programmation|valeurs)|je dois (?:refuser"
        "|décliner) (?:cette|votre|ta) demande",
    },
    "German": {
        "apology": rf"(?:leid|leider|entschuldig|verzeih|sorry|bedau[e]?re){NEXT} (?:ich (?:kann|darf|werde)"
        r"|(?:kann|darf|werde) ich)"
        rf" {REST}(?:nicht|keine?n?) {FEW}(?:helfen|weiterhelfen|behilflich|unterstützen|beantworten"
        r"|bereitstellen|liefern|erstellen"
        "|schreiben|generieren|erfüllen|nachkommen|ausführen|geben|anbieten|tun|zugreifen|verfassen|fortfahren)"
        rf"|(?:leid|leider|entschuldig){NEXT} bin (?:ich )?(?:leider )?nicht (?:in der lage|imstande|befugt)",
        "inability": rf"(?:ich (?:kann|darf|werde)|(?:kann|darf|werde) ich) (?:dir|ihnen|euch|dabei|hierbei"
        r"|damit|das|diesen?|diesem|dieser"
        rf"|bei|ihre|deine|auf) (?:[^ .]+ ){{0,4}}?nicht {FEW}{GERMAN_HELP}|(?:dabei|damit|hierbei|hiermit) (?:kann|darf|werde) ich (?:[^ .]+ ){{0,2}}?nicht {GERMAN_HELP}|ich bin nicht (?:in der lage"
        rf"|befugt) (?:[^ .]+ ){{0,4}}zu"
        rf" {GERMAN_HELP}",
        "policy": "(?:verstößt|verstoßen|widerspricht|widersprechen) (?:gegen )?(?:meine[nr]?) (?:richtlinien"
        "|grundsätze|programmierung"
        "|prinzipien|werte)|ich muss (?:diese|deine|ihre) (?:anfrage|bitte) ablehnen",
    },
    "Portuguese": {
        "apology": rf"(?:desculp|sinto muito|lamento|perdão|infelizmente|perdoe){NEXT} não (?:te |lhe |o "
        r"|a )?(?:posso|consigo|poderei|sou"
        rf" capaz de|me é possível|estou (?:apt[oa] a|autorizad[oa] a|em condições de)) {FEW}(?:ajud|auxiliar"
        r"|assistir|responder|fornecer"
        "|oferecer|dar (?:ess[ae]|est[ae]|isso|informaç|conselho|instruç|uma (?:resposta|opinião)|detalhes)|gerar|criar|escrever|cumprir|fazer isso|realizar|completar|atender|acessar|aceder"
        "|processar|compartilhar"
        "|partilhar|prestar)",
        "inability": "não (?:te |lhe |o |a )?(?:posso|consigo|poderei|sou capaz de|me é possível) (?:te "
        "|lhe )?(?:ajudá|ajudar (?:você|com"
        r"|a|nisso|nesse|nessa|\.)|ajudar|auxiliá|responder (?:a )?(?:ess[ae]|est[ae]|isso|sua|tua)|fornecer"
        r"|atender (?:a )?(?:ess|est|seu|sua)"
        "|cumprir (?:ess|est|seu))",
        "policy": "(?:vai|vão|é|seria) contra (?:as |os |a )?(?:minhas?|meus?) (?:diretrizes|princípios"
        "|programação|polític|valores)"
        "|(?:viola|infringe) (?:as |os )?minhas (?:diretrizes|polític)|devo recusar (?:ess[ae]|est[ae]|o seu"
        "|a sua) (?:pedido|solicitação)",
    },
    "Italian": {
        "apology": rf"(?:mi dispiace|spiacente|scus[ai]|scusami|scusarmi|mi scuso|purtroppo"
        rf"|desolat[oa]){NEXT} non (?:ti |vi |le )?(?:posso"
        rf"|potrò|sono in grado di|riesco a|mi è (?:possibile|permesso|consentito)"
        rf"|sono autorizzat[oa] a) {FEW}(?:aiutar|assister|risponder"
        "|fornir|offrir|dar(?:ti|vi|le|e) (?:quest|consigli|istruzioni|informazioni|una risposta|un'opinione|dettagli)|generar|crear|scriver|soddisfar|fare questo|farlo|completar|accedere|eseguire|procedere)",
        "inability": r"non (?:ti |vi |le )?(?:posso|sono in grado di|mi è possibile) (?:aiutar(?:ti|vi|la|e con"
        r"|e a| \.)|assister(?:ti|vi|la)"
        "|rispondere a (?:quest|tale|tua)|fornir|soddisfare (?:quest|la tua|la sua))",
        "policy": "contro (?:i miei|le mie|la mia) (?:principi|linee guida|programmazione|regole|valori)"
        "|(?:viola|violano) le mie (?:linee"
        " guida|regole)|devo rifiutare (?:questa|la tua|la sua) richiesta",
    },
    "Russian": {
        "apology": rf"(?:извини|прости|прошу прощения|к сожалению|приношу|жаль|сожалею){NEXT} не (?:могу|смогу"
        r"|в состоянии|имею возможности"
        rf"|способен|способна|буду) {FEW}(?:помочь|помогать|ответить|отвечать|предоставить|выполнить|создать"
        r"|создавать|написать|сгенерировать"
        "|дать (?:вам |тебе )?(?:эт|так|ответ|совет|инструкци|информаци)|сделать (?:это|этого)|обсуждать|оказать|поддержать|предложить|удовлетворить)",
        "inability": rf"я не (?:могу|смогу|в состоянии|имею возможности|способен"
        rf"|способна) {FEW}(?:помочь (?:вам|тебе|с (?:этим|этой|таким"
        rf"|вашим|твоим)|в этом|\.)|ответить на (?:этот|ваш|твой|такой|данный)|предоставить|выполнить (?:этот"
        r"|ваш|твой|вашу|твою|эту|данный|это)"
        rf")|я не (?:могу|смогу) (?:вам|тебе|с этим) {FEW}помочь",
        "policy": "(?:противоречит|противоречат|нарушает|нарушают) (?:моим|мои|моей) (?:принципам|принципы"
        "|правилам|правила|программе|политик"
        "|инструкциям)|(?:вынужден|вынуждена|должен|должна) отказаться от (?:выполнения|ответа)",
    },
    "Arabic": {
        "apology": rf"(?:عذرا|[آاأ]سفة? |[أا]عتذر|معذرة|المعذرة|للأسف|للاسف|يؤسفني"
        rf"|المؤسف){NEXT} (?:لا (?:[أا]ستطيع|يمكنني|[أا]قدر|يسعني)|لست"
        rf" قادرا?|غير قادر|لن (?:[أا]ستطيع|[أا]تمكن|يمكنني)|ليس ب[إا]مكاني|لا [أا]ملك القدرة) (?:على |من "
        rf"|[أا]ن )?{FEW}(?:[أا]?مساعد|المساعدة"
        "|[أا]ساعد|ال[إا]جابة|[إا]جابة|[أا]جيب|الرد|تقديم|[أا]قدم|توفير|تلبية|تنفيذ|[إا]نشاء|كتابة|القيام بذلك"
        "|القيام بهذا|[إا]كمال|الوصول|مناقشة"
        "|مشاركة|فعل ذلك)",
        "inability": "(?:لا (?:[أا]ستطيع|يمكنني)|لن (?:[أا]ستطيع|[أا]تمكن|يمكنني)|ليس ب[إا]مكاني) (?:على |من "
        "|[أا]ن )?(?:مساعدتك|مساعدتكم|[أا]ساعدك"
        "|المساعدة (?:في|ب|على) ?(?:هذا|ذلك|هذه)|ال[إا]جابة (?:على|عن) (?:هذا|سؤالك|ذلك|طلبك)|تقديم|توفير|تلبية"
        "|تنفيذ (?:هذا|طلبك))",
        "policy": "(?:ينتهك|يخالف|يتعارض مع) (?:مبادئي|سياساتي|[إا]رشاداتي|برمجتي|قواعدي|تعليماتي)",
    },
    "Hindi": {
        "apology": rf"(?:माफ़|माफ|माफ़ी|माफी|क्षमा|खेद|अफ़सोस|अफसोस|दुर्भाग्य से){NEXT} मैं {REST}(?:मदद|सहायता|उत्तर"
        r"|जवाब|जानकारी|पूरा|प्रदान|लिख|बना|दे|ऐसा|यह)"
        rf"{REST} (?:नहीं (?:[^ .]+ ){{0,2}}(?:सकत[ाी]|पाऊँगा|पाऊंगा|पाऊँगी|पाऊंगी|सकूँगा|सकूंगा|सकूँगी|सकूंगी)"
        r"|में असमर्थ|सक्षम नहीं)",
        "inability": rf"मैं {REST}(?:मदद|सहायता|उत्तर|जवाब|जानकारी प्रदान"
        r"|अनुरोध (?:को )?पूरा) (?:[^ .]+ )?(?:नहीं (?:कर |दे )?(?:सकत[ाी]|पाऊँगा|पाऊंगा"
        "|सकूँगा|सकूंगा)|करने में असमर्थ हू|देने में असमर्थ हू|करने में सक्षम नहीं हू|देने में सक्षम नहीं हू)",
        "policy": "मेरे (?:सिद्धांतों|दिशानिर्देशों|दिशा निर्देशों|नियमों|नीतियों|प्रोग्रामिंग) के (?:विरुद्ध|खिलाफ|ख़िलाफ़|खिलाफ़)",
    },
    "Japanese": {
        "apology": rf"(?:申し訳|すみません|すいません|ごめんなさい|恐れ入りますが|残念ながら"
        rf"|残念ですが){NEXT}(?:お手伝い|お答え|回答|提供|支援|対応|生成|作成|お応え|応え|応じ"
        "|ご案内|サポート|協力|実行|アクセス|執筆|お伝え|ご要望|リクエスト)[^.]{0,20}(?:できません|できかねます"
        "|出来ません|いたしかねます|致しかねます|できない|かねます)",
        "inability": "(?:お手伝い|お答え|お応え)(?:する(?:こと)?)?(?:は|が|も)?(?:できません|できかねます"
        "|出来ません|いたしかねます|致しかねます)"
        "|私(?:は|には|では)[^.]{0,30}(?:回答|提供|生成|作成|支援|対応)(?:する(?:こと)?)?(?:は|が"
        "|も)?(?:できません|できかねます|出来ません|いたしかねます)"
        "|(?:その|この|そのような|このような)(?:ご)?(?:質問|要望|依頼|リクエスト)(?:に"
        "|には)[^.]{0,8}(?:できません|できかねます|応じかねます|いたしかねます)",
        "policy": "私の(?:ガイドライン|ポリシー|原則|方針|プログラム)[^.]{0,4}(?:違反|反し|反する)",
    },
    "Korean": {
        "apology": rf"(?:죄송|미안|유감|사과드립니다|안타깝게도){NEXT}(?:도와|도움|답변|대답|제공|생성|작성"
        rf"|지원|수행|응답|처리|응할|이행|요청)[^.]{{0,20}}"
        "(?:수가? 없|어렵습니다|못합니다|못해|불가능)",
        "inability": rf"(?:저는|제가|저로서는|나는|난) {REST}(?:도와|도움|답변|대답|정보를 제공"
        rf"|콘텐츠를 생성)[^.]{{0,8}} 수가? 없"
        "|(?:도와 ?드릴|도움을? ?드릴|도움을? 줄|도움이 되어 ?드릴|답변해? ?드릴|대답해? ?드릴"
        "|제공해? ?드릴) 수가? 없",
        "policy": "(?:제|저의|나의) (?:지침|원칙|가이드라인|정책|프로그래밍)[^.]{0,3} (?:위반|위배|어긋)",
    },
    "Turkish": {
        "apology": rf"(?:üzgünüm|maalesef|özür dilerim|kusura bakma|ne yazık ki){NEXT} (?:yardımcı ola(?:mam"
        r"|mıyorum|mayacağım|mayacağim)|yardım"
        " ede(?:mem|miyorum|meyeceğim)|(?:cevap|yanıt|bilgi) vere(?:mem|miyorum)|yanıtlaya(?:mam|mıyorum)"
        "|cevaplaya(?:mam|mıyorum)|sağlaya(?:mam"
        "|mıyorum)|yerine getire(?:mem|miyorum)|oluştura(?:mam|mıyorum)|yaza(?:mam|mıyorum)|yapa(?:mam|mıyorum)"
        "|ürete(?:mem|miyorum))",
        "inability": "(?:bu konuda|size|sana|bu istekte|bununla ilgili) yardımcı ola(?:mam|mıyorum|mayacağım)"
        "|(?:bu soruya|sorunuza|isteğinize) (?:cevap"
        "|yanıt) vere(?:mem|miyorum)|(?:bu isteği|isteğinizi|talebinizi|bu talebi) yerine getire(?:mem|miyorum)",
        "policy": "(?:ilkelerime|kurallarıma|politikalarıma|programlamama|yönergelerime) aykırı",
    },
    "Vietnamese": {
        "apology": rf"(?:xin lỗi|rất tiếc|tiếc là){NEXT} (?:tôi|mình|em) (?:không thể|không có khả năng"
        rf"|không được phép|chưa thể) {FEW}(?:giúp|hỗ trợ|trả"
        " lời|cung cấp|thực hiện|tạo|viết|đáp ứng|hoàn thành|đưa ra)",
        "inability": "(?:tôi|mình) (?:không thể|không có khả năng) (?:giúp (?:bạn|anh|chị)|hỗ trợ (?:bạn|anh"
        "|chị|yêu cầu)|trả lời (?:câu hỏi này|câu hỏi của"
        " bạn|yêu cầu)|cung cấp|đáp ứng|thực hiện yêu cầu)",
        "policy": "(?:vi phạm|trái với|đi ngược lại) (?:các |những )?(?:nguyên tắc|chính sách|quy định"
        "|hướng dẫn|lập trình) của tôi",
    },
    "Indonesian": {
        "apology": rf"(?:maaf|sayangnya|menyesal){NEXT} (?:saya|aku) (?:tidak|tak) (?:bisa|dapat|mampu"
        rf"|boleh) {FEW}(?:membantu|menjawab|memberikan"
        "|menyediakan|memenuhi|membuat|menulis|melakukan|menghasilkan|mengakses|memproses)",
        "inability": "saya (?:tidak|tak) (?:bisa|dapat|mampu) (?:membantu (?:anda|kamu|dengan|dalam)"
        "|menjawab (?:pertanyaan (?:ini|itu|anda|tersebut)|itu"
        "|ini)|memberikan|menyediakan|memenuhi (?:permintaan|itu))",
        "policy": "(?:melanggar|bertentangan dengan) (?:pedoman|kebijakan|prinsip|pemrograman|aturan) saya",
    },
    "Thai": {
        "apology": rf"(?:ขออภัย|ขอโทษ|เสียใจ){NEXT}ไม่สามารถ[^.]{{0,8}}?(?:ช่วย|ตอบ|ให้ข้อมูล|ให้คำ|ให้ความช่วย|สร้าง"
        r"|เขียน|ดำเนินการ|ทำตาม|ทำเช่นนั้น|จัดหา|ให้บริการ)",
        "inability": "(?:ฉัน|ผม|ดิฉัน)ไม่สามารถ(?:ช่วย(?:คุณ|เหลือ|เรื่อง|ใน)|ตอบคำถาม(?:นี้|นั้น|ของคุณ)|ให้ข้อมูล"
        "|ทำตามคำขอ|ให้ความช่วยเหลือ)",
        "policy": "(?:ขัดต่อ|ละเมิด|ขัดกับ)(?:หลักการ|นโยบาย|แนวทาง|กฎ)ของ(?:ฉัน|ผม|ดิฉัน)",
    },
}
