"""What a model of text cannot do, as instructions ask for it in many languages (after Self-Instruct, section 2.2).

draw: an order to draw, paint or plot, or to make or send an image, a video, a sound or a file of a kind that is no text.
shown: a picture, recording or file that should have come with the instruction.
Self-Instruct's list of words (image, graph, file, map, draw, plot, "go to") also meets the plot of a novel, a graph
algorithm and "draw a conclusion"; here a word counts as part of such an order only. What can be written as text (ASCII
art, SVG, TikZ, code that draws) is none.
"""

from cultivar.text.phrases import Families
from cultivar.text.tokens import normal_form

TEXTUAL = normal_form(
    "ascii|svg|tikz|latex|mermaid|plantuml|graphviz|html|css|canvas|python|matplotlib|javascript|turtle"
    "|markdown|unicode|emoji"
    "|text based|in words|code|script|prompt|caption|alt text|код|代码|代碼|程序|コード|プログラム|코드"
    "|프로그램|código|codice|programm"
    "|mã nguồn|kode|โค้ด|कोड|الكود|شيفرة"
    "|(?:in|with|using|through|as) (?:a |an |your own |vivid |few |only )?(?:words|prose|haiku|poem|verse|rhyme|essay|paragraph"
    "|plain text|text |sentences)|(?:con|en) palabras|en prosa|en un (?:poema|ensayo|párrafo|haiku)|(?:avec des|en) mots|en prose"
    "|(?:dans|en) un (?:poème|essai|paragraphe|haïku)|(?:mit|in) worten|in prosa|in einem (?:essay|gedicht|aufsatz|absatz|haiku)"
    "|(?:com|em) palavras|em prosa|em um (?:poema|ensaio|parágrafo)|(?:con le|a) parole|in un (?:poema|saggio|paragrafo)"
    "|словами|на словах|в прозе|в (?:стихотворении|эссе|абзаце)|بالكلمات|في (?:قصيدة|مقال|فقرة)|शब्दों (?:में|से)|(?:कविता|निबंध) में"
    "|用文字|用语言|用語言|以文字|文字描述|散文|言葉で|文章で|文字で|俳句で|小説| 글로 | 말로 |문장으로|산문으로|kelimelerle|sözcüklerle"
    "|bằng (?:lời|chữ|văn xuôi)|dengan kata|dalam (?:sebuah |satu )?(?:puisi|esai|paragraf)|ด้วยคำ|เป็นคำพูด|ร้อยแก้ว"
)
"""Where one of these stands in an instruction, its picture can be written: code, or a form of text that it is to have."""

ENGLISH_PLEASE = r"(?:[.]|please|can you|could you|would you|i want you to|i'd like you to|i need you to|you to|now|then) (?:please |also |now )?"
NUMBER = "(?:one|two|three|four|five|six|seven|eight|nine|ten|[0-9]+)"
ENGLISH_PICTURE = (
    "(?:images?|pictures?|photos?|photographs?|drawings?|paintings?|illustrations?|portraits?|screenshots?"
    "|sketch|logo|memes?"
    "|animations?|gifs?|videos?|audio|pdf|jpe?g|png|mp3|mp4|wav|docx|xlsx|pptx|zip|(?:word|excel|powerpoint|pdf"
    "|zip|audio|image|video)"
    " files?)"
)
SPANISH_PICTURE = "(?:imagen|imágenes|fotos?|fotografías?|dibujos?|ilustraci[oó]n|retratos?|logotipos?|logo|vídeos?|videos?|pdf|gif|audio)"
PORTUGUESE_PICTURE = (
    "(?:imagem|imagens|fotos?|fotografias?|desenhos?|ilustraç|retratos?|logotipos?|logo|vídeos?|pdf|gif|áudio)"
)
FRENCH_PICTURE = "(?:images?|photos?|photographies?|dessins?|illustrations?|portraits?|logos?|vidéos?|pdf|gif|audio)"
GERMAN_PICTURE = "(?:bild(?:er)?|fotos?|zeichnung(?:en)?|illustration(?:en)?|porträt|logo|video|pdf|gif|skizze)"
ITALIAN_PICTURE = "(?:immagin[ei]|foto|fotografi[ae]|disegn[oi]|illustrazion[ei]|ritratt[oi]|logo|video|pdf|gif|audio)"
RUSSIAN_PICTURE = (
    "(?:изображение|изображения|картинк[уи]|фото|фотографию|рисунок|иллюстрацию|портрет|логотип|видео|pdf|гифку)"
)
CHINESE_PICTURE = "(?:图片|圖片|照片|图像|圖像|插图|插圖|插画|插畫|海报|海報|视频|影片|音频|音訊|标志|logo|pdf|表情包)"

BEYOND_TEXT: Families = {
    "English": {
        "draw": rf"{ENGLISH_PLEASE}(?:(?:draw|sketch|paint|doodle) (?:me |us )?(?:(?:an?|the|some|{NUMBER}|it"
        r"|this|your|my|his|her) |[^ .]+ [.])"
        rf"|(?:plot|graph) (?:me )?(?:an?|the|this|these) (?:[^ .]+ ){{0,2}}(?:graph|function|data|points?"
        r"|curve|line|chart|histogram|equation)"
        rf"|(?:create|generate|make|show|send|give|design|produce|provide|display|attach|upload|take"
        rf"|render) (?:me |us )?(?:an?|the|some|{NUMBER})"
        rf" (?:[^ .]+ ){{0,2}}{ENGLISH_PICTURE} |(?:save|export|send|upload) (?:it|this|them) (?:as|to"
        rf"|in) (?:an? )?{ENGLISH_PICTURE} "
        r"|(?:go to|visit|open) (?:the |this )?(?:website|web page|webpage|url|http|link (?:[.]|below|above|here|i |and |to )))",
        "shown": r"(?:in|see|describe|at|analy[sz]e|caption|explain|on|of|from) (?:this|the following"
        r"|the attached|the given|these) (?:image|picture|photo|photograph"
        r"|screenshot|video|recording|painting|audio)s? |(?:image|picture|photo|photograph|screenshot|video"
        r"|recording|chart|graph|diagram|map|figure)s? (?:(?:is |are )?shown|below"
        r"|above|attached|i (?:sent|attached|uploaded))|describe the (?:image|picture|photo|video"
        r"|painting)s? [.]|attached (?:audio |video |voice |scanned |word |pdf |excel )?(?:file|document|pdf|spreadsheet"
        r"|image|picture|photo|video|recording|audio|screenshot|clip)"
        rf"|{ENGLISH_PLEASE}(?:watch|listen to|transcribe|look at|study) (?:the|this|these|that) (?:following |short "
        r"|video |audio |voice )?(?:video|clip|audio|recording|podcast|picture|photo|photograph|image|painting|screenshot)s? ",
    },
    "Chinese": {
        "draw": rf"(?:[.]|请|請|帮我|幫我|给我|給我|为我|為我)[^.]{{0,4}}?(?:(?:画|畫|绘制|繪製)(?:出)?(?:一|两"
        r"|兩|个|個|幅|张|張|只|下|这|這|我)"
        rf"|(?:生成|制作|製作|创建|創建|设计|設計|发送|發送|发给我|发|提供|做|拍)(?:我)?(?:一|两|几|個|个"
        rf"|些)?(?:张|張|幅|个|個|段|份)?[^.]{{0,8}}?{CHINESE_PICTURE} ?[.])",
        "shown": f"(?:看|观察|觀察|根据|根據|从|從|下面|以下|上面|附件|这张|這張|这幅|這幅|所附)(?:一下)?(?:下面|以下|上面|附件|这|這|该"
        f"|所附|给出)?(?:张|張|幅|个|個|段|的)*{CHINESE_PICTURE}|(?:描述|分析|解释|解釋)(?:一下)?(?:下面|以下|上面|附件|这|這|该|所附|给出)"
        f"(?:张|張|幅|个|個|段|的)*{CHINESE_PICTURE}|(?:描述|分析|解释|解釋)(?:一下)?{CHINESE_PICTURE} ?[.]"
        f"|(?:见|参见|打开|请看|查看|读取|阅读)附件|附件中的|{CHINESE_PICTURE}(?:里|中|上)(?:有什么|有什麼|的人"
        "|是谁|显示|顯示)",
    },
    "Spanish": {
        "draw": rf"(?:[.]|por favor|puedes|podrías|quiero que|necesito que) (?:me )?(?:(?:dibuj(?:a|e|ar|es)"
        r"|dibújame|dibújanos) |pint(?:a|ar|e) un[a]? (?:cuadro|retrato|paisaje)"
        rf"|(?:grafica|grafique|graficar) (?:la|una) (?:función|recta|curva)|(?:crea|cree|crear|genera|genere"
        r"|generar|haz|haga|hacer|hazme|muestra|muéstrame|mostrar|envía|envíame|diseña|dame)"
        rf" (?:me )?(?:una?|la|el|unas|unos|dos|tres) (?:[^ .]+ )?{SPANISH_PICTURE} )",
        "shown": f"(?:describ[ae]|analiza|analice|observa|observe|mira|explica|en|ves en|hay en) (?:esta"
        f"|la siguiente|esa) (?:imagen|foto|fotografía|pintura) |{SPANISH_PICTURE} (?:adjunt|de abajo|de"
        " arriba|que (?:te )?(?:envié|adjunté|adjunto))|(?:archivo|documento) adjunto",
    },
    "French": {
        "draw": rf"(?:[.]|s'il vous plaît|s'il te plaît|peux tu|pouvez vous|pourrais tu|pourriez vous"
        r"|veuillez) (?:me )?(?:(?:dessine|dessinez|dessiner|dessine moi|dessinez moi) (?:moi )?(?:une?|le|la"
        r"|les|des|un)"
        rf" |(?:trace|tracez|tracer) (?:la courbe|le graphe|le graphique)|(?:crée|créez|créer|génère|générez"
        r"|générer|fais|faites|montre|montrez|envoie|envoyez|conçois|concevez|réalise"
        r"|réalisez) (?:moi )?(?:une?|le|la"
        rf"|des|deux) (?:[^ .]+ )?{FRENCH_PICTURE} )",
        "shown": f"(?:décris|décrivez|décrire|analyse|analysez|observe|observez|regarde|regardez|explique"
        "|expliquez|sur|dans) (?:cette|la|l') ?(?:image|photo|peinture|vidéo) (?:ci dessous|ci dessus|suivante"
        "|jointe|[.])"
        f"|(?:décris|décrivez|regarde|regardez|vois tu sur|voyez vous sur) cette (?:image|photo|vidéo)"
        f"|{FRENCH_PICTURE} (?:ci joint|joint|ci dessous|ci dessus)|(?:fichier|document) (?:ci )?joint|pièce jointe",
    },
    "German": {
        "draw": rf"(?:[.]|bitte|kannst du|könntest du|können sie|könnten sie) (?:mir |uns "
        r"|bitte )*(?:zeichne[n]?|male[n]?|skizziere[n]?) (?:sie )?(?:mir |uns |bitte )*(?:eine?n?|das|den|die"
        r"|ein) (?:[^ .]+)"
        rf"|(?:[.]|bitte) (?:erstelle|erstellen|erzeuge|generiere|mach|mache|zeig|zeige|sende|schick|schicke"
        rf"|entwirf) (?:sie )?(?:mir |uns |bitte )*(?:eine?n?|das|ein) (?:[^ .]+ )?{GERMAN_PICTURE} "
        rf"|(?:kannst du|könntest du) (?:mir "
        rf"|bitte )*(?:eine?n?) (?:[^ .]+ )?(?:{GERMAN_PICTURE} (?:von [^.]*)?(?:malen|zeichnen|erstellen"
        r"|erzeugen|generieren|schicken|zeigen)|[^ .]+ (?:malen|zeichnen))",
        "shown": f"(?:beschreib|beschreibe|beschreiben sie|analysiere|betrachte|schau dir|siehst du auf"
        f"|sehen sie auf|auf) (?:dieses|diesem|das folgende|dem folgenden) (?:bild|foto|video|gemälde)"
        f"|{GERMAN_PICTURE} (?:unten|oben|im anhang)"
        f"|(?:angehängte|beigefügte)[nsr]? (?:datei|{GERMAN_PICTURE}|dokument)|(?:datei|dokument|tabelle)[^ .]* (?:[^ .]+ )?im anhang"
        "|im anhang (?:findest|finden sie|befindet|ist|sind|siehst|sehen)",
    },
    "Portuguese": {
        "draw": rf"(?:[.]|por favor|você pode|pode|poderia|quero que) (?:me )?(?:(?:desenh(?:e|a|ar)"
        r"|desenhe me) |pint(?:e|ar|a) um (?:quadro|retrato)|(?:crie|criar|cria|gere|gerar|faça|fazer|faz"
        r"|mostre|mostrar|mostra|envie|enviar|envia"
        rf"|desenvolva|projete) (?:me )?(?:uma?|as?|os?|duas|dois) (?:[^ .]+ )?{PORTUGUESE_PICTURE} )",
        "shown": f"(?:descrev[ae]|analis[ae]|observe|observa|olhe|explique|vê|há) (?:em |n)?(?:esta|essa"
        f"|a seguinte) (?:imagem|foto|fotografia|pintura)|n?esta imagem o que|{PORTUGUESE_PICTURE} (?:em anexo"
        "|anexad|anex[ao]|abaixo|acima)|(?:arquivo|ficheiro"
        "|documento) (?:em anexo|anex)",
    },
    "Italian": {
        "draw": rf"(?:[.]|per favore|puoi|potresti|può) (?:mi )?(?:(?:disegna|disegni|disegnare"
        r"|disegnami) (?:un|il|la|lo|i|le|due)|dipingi (?:un|una) |(?:crea|creare|genera|generare|fai|mostra"
        r"|mostrami|invia|inviami|progetta|realizza) (?:mi )?(?:un|una|un'|il|la|due)"
        rf" ?(?:[^ .]+ )?{ITALIAN_PICTURE} )",
        "shown": f"(?:descrivi|descriva|analizza|osserva|guarda|spiega|vedi in) (?:questa|la seguente"
        f"|l') ?(?:immagine|foto|fotografia)|{ITALIAN_PICTURE} (?:allegat|qui sotto|qui sopra|sottostante)"
        "|(?:file|documento) allegato",
    },
    "Russian": {
        "draw": rf"(?:[.]|пожалуйста|можешь|можете|прошу) (?:пожалуйста )?(?:нарисуй|нарисуйте|нарисовать"
        r"|начерти|начертите|изобрази на рисунке|построй график|постройте график)|(?:[.]|пожалуйста|можешь"
        r"|можете) (?:создай|создайте|создать|сгенерируй|сгенерируйте|сделай|сделайте"
        rf"|покажи|покажите|пришли|пришлите|отправь|отправьте) (?:мне )?(?:[^ .]+ )?{RUSSIAN_PICTURE} ",
        "shown": "(?:опиши|опишите|проанализируй|посмотри|посмотрите|что изображено|видишь) (?:на )?(?:эт[уо]"
        "|этой|этом|следующ[а-я]+|данн[а-я]+) (?:изображени|картинк|фото|рисун)|(?:изображени|картинк|фотографи"
        "|файл|документ)[а-я]* (?:ниже|выше|во вложении)|(?:прикреплённ|прикрепленн|приложенн)[а-я]*"
        " (?:файл|изображени|фото|документ)",
    },
    "Arabic": {
        "draw": r"(?:[.]|من فضلك|هل يمكنك|يرجى|رجاء|[أا]ريد منك) (?:[أا]ن )?(?:ارسم|[أا]رسم|ترسم|رسم)(?: لي)? "
        r"|(?:[.]|من فضلك|هل يمكنك|يرجى) (?:[أا]ن )?(?:[أا]نشئ|تنشئ|[إا]نشاء|صمم|تصميم|[أا]رسل|اصنع|ولد|توليد"
        r"|[أا]رني|اعرض)(?: لي)? (?:صورة|صورا|فيديو|شعار|رسما|مقطع)",
        "shown": "(?:صف|وصف|حلل|انظر [إا]لى|في|ترى في) (?:هذه|الصورة التالية|هذا) ?(?:الصورة|الفيديو|الرسم)"
        "|الصورة (?:المرفقة|التالية|[أا]دناه|[أا]علاه|الموضحة)|الملف المرفق|المرفق",
    },
    "Hindi": {
        "draw": "(?:का|की|के|एक) (?:[^ .]+ )?(?:चित्र|तस्वीर|फोटो|फ़ोटो|छवि|स्केच|वीडियो|लोगो) (?:बनाओ|बनाइए|बनाएं"
        "|बनाएँ|बना दो|बना दें|दिखाओ|दिखाइए|दिखाएं|दिखाएँ|भेजो|भेजें|खींचो|खींचिए|खींचें)",
        "shown": "(?:इस|निम्नलिखित|नीचे (?:दी गई|दिए गए)|ऊपर (?:दी गई|दिए गए)|संलग्न) (?:चित्र|तस्वीर|फोटो|फ़ोटो|छवि"
        "|वीडियो|फ़ाइल|फाइल) ",
    },
    "Japanese": {
        "draw": "(?:絵|イラスト|画像|写真|似顔絵|図|動画|ロゴ|ポスター|グラフ)(?:を|も)?(?:一枚|1枚)?(?:描いて"
        "|かいて|生成して|作って|作成して|送って|見せて|撮って|描け|描きなさい|作成しなさい|表示して)"
        "|を(?:描いて|スケッチして)(?:ください|下さい|くれ)?",
        "shown": "(?:この|次の|以下の|上の|下の|添付(?:の|した|された)?)(?:画像|写真|絵|動画|音声|図"
        "|ファイル)(?:に|を|の|から|は)",
    },
    "Korean": {
        "draw": "(?:그림|이미지|사진|일러스트|초상화|동영상|영상|로고|포스터|그래프)(?:을|를|으로|도)? (?:하나 "
        "|한 장 )?(?:그려|그리세요|그리시오|생성해|생성하|만들어|제작해|보내|보여)|[^ .]*(?:을|를) 그려 ?(?:줘|주세요"
        "|주시|라)",
        "shown": "(?:이|다음|아래(?:의)?|위(?:의)?|첨부(?:된|한)?) (?:이미지|사진|그림|동영상|영상|파일)(?:을"
        "|를|에|의|은|는|이|에서) ?",
    },
    "Turkish": {
        "draw": "(?:resmi|resim|resmini|fotoğraf|fotoğrafını|görsel|görselini|video|logo|portre|portresini"
        "|grafiğini) (?:[^ .]+ )?(?:çiz|oluştur|gönder|göster|hazırla|yap|tasarla)(?:in|iniz|er misin|ar misin"
        "|ir misin|ur musun|eyin)? ?[.]|(?:[^ .]+ )çiz(?:in|iniz|er misin)? [.]",
        "shown": "bu (?:görsel(?:i|de|deki)|resimde(?:ki)?|fotoğraf(?:ı|ta|taki)|video(?:yu|da|daki)|dosya(?:yı|da|daki)) "
        "|bu resmi (?:açıkla|tanımla|tarif|anlat|betimle|yorumla|incele|analiz)|(?:aşağıdaki|yukarıdaki|ekteki|ekli) (?:görsel|resim|resmi|resimde|resimdeki|görseli"
        "|görselde|fotoğraf|video|dosya)",
    },
    "Vietnamese": {
        "draw": "(?:[.]|hãy|vui lòng|giúp tôi|bạn có thể) (?:hãy )?(?:vẽ (?:cho tôi |một |bức |con |hình "
        "|tranh |đồ thị )|(?:tạo|gửi|thiết kế|làm|cho tôi xem) (?:cho tôi )?(?:một )?(?:bức |tấm )?(?:hình ảnh"
        "|ảnh|bức tranh|video|logo) )",
        "shown": "(?:hình ảnh|bức ảnh|ảnh|bức tranh|video|tệp|hình) (?:này|dưới đây|bên dưới|ở trên|bên trên"
        "|sau đây|đính kèm)",
    },
    "Indonesian": {
        "draw": "(?:[.]|tolong|bisakah kamu|bisakah anda|dapatkah anda|harap) (?:gambarlah|gambarkan (?:sebuah"
        "|seekor|saya|untuk)|gambar (?:sebuah|seekor)|(?:buatkan|buatlah|buat|kirim|kirimkan|tampilkan"
        "|hasilkan) (?:saya )?(?:sebuah )?(?:gambar|foto|lukisan|video|logo|ilustrasi) )",
        "shown": "(?:gambar|foto|video|lukisan|berkas|file) (?:ini|di bawah|di atas|berikut|terlampir)",
    },
    "Thai": {
        "draw": "(?:วาด(?:รูป|ภาพ)|(?:สร้าง|ส่ง|ทำ|ออกแบบ)(?:รูปภาพ|รูป|ภาพวาด|ภาพถ่าย|วิดีโอ|โลโก้))",
        "shown": "(?:รูป|ภาพ|รูปภาพ|วิดีโอ|ไฟล์)(?:นี้|ต่อไปนี้|ด้านล่าง|ข้างล่าง|ข้างบน|ที่แนบ)",
    },
}

FIGURES_OF_SPEECH = normal_form(
    rf" (?:draw (?:an? |the |any |some |your |{NUMBER} )?(?:[^ .]+ )?(?:conclusion|inference|comparison"
    r"|parallel|lesson|distinction|attention|line |insight"
    "|connection|card|ball|marble|ticket|number|sample|lots|straw|name|inspiration|analog|contrast|breath"
    "|curtain|blood|bath|sword|crowd|table|moral|consequence|implication|lesson|meaning|boundar|similarit|map of (?:relationships|characters|concepts)"
    "|timeline|outline)[a-z]*"
    "|sketch (?:an? |the )(?:[^ .]+ )?(?:proof|outline|plan|argument|solution|idea|scenario|character|design"
    "|history|strategy|algorithm)"
    "|(?:make|give|get|see|show|provide) (?:me |us )?(?:an?|the) (?:big|bigger|clear|clearer|full|whole"
    "|complete|vivid|general|overall|rosy|bleak) picture"
    "|paint (?:me |us )?(?:an?|the) (?:[^ .]+ )?picture|paint the town"
    "|(?:picture|image) of (?:what|how|why|life|the (?:problem|situation|issue|market|economy|state|brand|company))"
    "|(?:image|picture|photo|video|audio|logo) (?:caption|prompt|description|title|idea|book|game|essay|script"
    "|outline|storyboard|concept|slogan|editor"
    "|call|classifi|format|librar|streaming|tutorial|transcript|course|lesson|store|app |series|summar"
    "|review|platform|conference|interview)[a-z]*"
    "|(?:audio|video|image|picture|photo|zip|pdf|logo) (?:guide|plan|function|frame|metaphor|campaign|strategy|ad |advert|pitch|blog"
    "|channel|lecture|library|file (?:parser|reader|format|name))[a-z]*|sketch comedy|(?:website|web page) metaphor"
    "|illustrations? of (?:how|why|what|when|(?:[^ .]+ ){1,3}(?:law|principle|theorem|concept|theory|rule|effect|idea|paradox|fallacy))"
    "|(?:image|picture|portrait) of (?:hope|love|life|society|freedom|death|god|grief|joy|power|the (?:future|past|age|era|author"
    "|narrator|hero|heroine|times|world))|photo (?:album|contest|shoot|studio)|self images?|brand image|dibujos? animados|dessins? animés?"
    "|dibuj[a-z]+ (?:una?|la|el) (?:[^ .]+ )?(?:conclusi|comparaci|paralelo|estrategia|plan de (?:marketing|negocio|acción)|futuro"
    "|escenario|panorama|perfil)[^ .]*|dessin[a-z]+ (?:moi )?(?:une?|le|la) (?:portrait (?:psychologique|moral|littéraire)|conclusion"
    "|stratégie|plan d'action|avenir|perspective|parallèle|tableau de la (?:société|situation))[^ .]*"
    "|(?:zeichne|skizziere)[a-z]* (?:sie )?(?:eine?n?|das|den|die|ein) (?:[^ .]+ )?(?:bild (?:der|des|von der|vom) (?:zukunft"
    "|gesellschaft|zeit|menschen|lage|situation)|weg|entwicklung|verlauf|parallele|schlussfolgerung|szenario|werdegang|plan"
    "|strategie|argument|lösung|beweis)[^ .]*"
    "|desenh[a-z]+ (?:uma?|o|a) (?:[^ .]+ )?(?:estratégia|plano|conclus|cenário|perfil|futuro|paralelo)[^ .]*"
    "|disegn[a-z]+ (?:una?|il|la|lo) (?:[^ .]+ )?(?:piano|strategia|conclusion|scenario|profilo|futuro|parallelo)[^ .]*"
    "|нарису[а-я]+ (?:мне )?(?:будущее|картину (?:будущего|мира|общества|событий|жизни)|(?:психологический|литературный) портрет)"
    "|(?:ارسم|رسم|ترسم)(?: لي)? (?:خطة|استراتيجية|صورة (?:للمستقبل|المستقبل|المجتمع)|مستقبل|مقارنة|ملامح)"
    "|vẽ (?:nên |ra )?(?:một )?(?:tương lai|viễn cảnh)|gambarkan (?:sebuah |seorang )?(?:strategi|suasana|perasaan|rencana|tokoh"
    "|karakter|keadaan|situasi|proses))"
    "|शब्द ?चित्र|(?:筋|心理|心情|感情|未来像|未来|人生|社会|関係|世界観)(?:を|も)描|(?:심리|감정|미래|인생|사회|세계관)(?:를|을) 그려"
    "|วาดภาพ(?:อนาคต|สังคม|ชีวิต)|(?:画|畫)(?:上|出)?(?:一个|一個|个|個)?(?:句号|句號|等号|等號)"
    "|(?:图片|圖片|图像|圖像|照片|视频|影片|音频)(?:格式|压缩|壓縮|平台|网站|網站|识别|識別|处理|處理|软件|軟體|编辑|剪辑|会议|會議|游戏|课程|行业)"
)
"""Orders that only sound like drawing, and things that have a picture in their name."""
