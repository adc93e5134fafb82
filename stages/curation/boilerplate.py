"""Leftovers of a chat's page and of a model's training, by language.

cutoff: what the speaker knew at its last update. page: buttons and error messages, alone on their line. placeholder:
what was to be filled in.
"""

from cultivar.text.phrases import Families

BOILERPLATE: Families = {
    "English": {
        "cutoff": "as of my (?:(?:last|latest|most recent|current) )?(?:knowledge |training )?(?:update"
        "|training|cut ?off|knowledge)|my (?:knowledge|training) (?:data )?cut ?off"
        "|my (?:knowledge|training data) (?:only )?(?:(?:goes|extends) (?:only )?(?:up )?(?:to|until|through)"
        "|is limited (?:up )?to (?:events|information|data|what (?:i was|was)|[a-z]* ?[0-9]{4})|ends (?:in|at|with)"
        "|is current|was last updated)|up to my (?:last"
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
