"""What an evolved instruction says of the procedure that made it, by language (Evol-Instruct's elimination rules).

procedure: the old or the new instruction as an object ("the rewritten prompt", "#New Instruction#"), or the tree and the
nodes that the teacher was told to think of. A program may insert a node into a tree: where the old instruction speaks
of such things, the new one may.
"""

from cultivar.text.phrases import Families
from cultivar.text.tokens import normal_form

LINK = r"(?:https?|ftp)://|www[.]\w"
"""Met with the normal form."""

PROCEDURE = normal_form(
    "prompt|instruction|rewr|nodes?|tree|提示|指令|节点|節點|树|樹|改写|instrucci|consigna|nodo|árbol|réécri"
    "|consigne|nœud|noeud|arbre|anweisung|knoten"
    "|baum|instruç|árvore|istruzion|albero|промпт|инструкц|запрос|узл|дерев|تعليم|موجه|عقد|شجر|निर्देश|प्रॉम्प्ट"
    "|नोड|ट्री|वृक्ष|指示|プロンプト|ノード|ツリー|지시"
    "|프롬프트|노드|트리|talimat|istem|düğüm|ağaç|chỉ dẫn|lời nhắc|câu lệnh|nút|cây|instruksi|perintah|simpul"
    "|pohon|คำสั่ง|พรอมต์|โหนด|ต้นไม้"
)
"""Where the old instruction is about prompts or trees itself, the new one may be; met with the normal form."""

IDIOMS = "new instruction sets?"
"""What only sounds like the procedure."""

LEAKS: Families = {
    "English": {
        "procedure": "(?:re ?written|evolved|harder|given|created|original|old|above|complex) prompts?"
        "|(?:re ?written|evolved|harder|added) instructions?"
        r"|[.] new (?:instruction|prompt) |(?:the|a) new (?:instruction|prompt) (?:[.]|is|that|too|adds|asks"
        r"|which)|(?:[.]|the) (?:given|original|old) instruction (?:[.]|is|was|but|with|and)"
        "|added (?:nodes?|requirements? [.])|new nodes? [.]|tree nodes?|nodes? of the tree|(?:evolution"
        "|rewriting) step",
    },
    "Chinese": {
        "procedure": "(?:改写|重写|改寫|重寫|进化|演化)(?:后|後|过|過)?的(?:指令|提示|提示词|提示詞|问题|問題"
        "|任务)|给定的?(?:提示|指令)|給定的?(?:提示|指令)|原(?:始|来的|有的)?指令|新的?指令(?: |如下|是|为|為|要求|比)|(?:新增|添加"
        "|增加)的?(?:节点|節點)|树(?:的)?节点|樹(?:的)?節點"
    },
    "Spanish": {
        "procedure": "(?:instrucción|instrucciones) (?:reescrit|evolucionad|original|dada)"
        "|[.] nueva instrucción |nueva instrucción [.]|la nueva instrucción|prompt (?:reescrito|original|dado|evolucionado)"
        "|nodos? (?:añadid|agregad)|nodos? del árbol"
    },
    "French": {
        "procedure": "(?:instruction|consigne) (?:réécrite|reformulée|originale|donnée|évoluée)"
        "|[.] nouvelle (?:instruction|consigne) |nouvelle (?:instruction|consigne) [.]|la nouvelle (?:instruction|consigne)|(?:prompt"
        "|invite) (?:réécrit|donné|original)|n(?:œ|oe)uds? (?:ajouté|de l'arbre)"
    },
    "German": {
        "procedure": "(?:umgeschriebene|überarbeitete|ursprüngliche|gegebene|weiterentwickelte"
        "|umformulierte)[nsr]? (?:anweisung|aufgabenstellung|prompt)|[.] neue anweisung |neue[nrs]? anweisung [.]"
        "|die neue anweisung|hinzugefügte[nr]? knoten|baumknoten|knoten des baum"
    },
    "Portuguese": {
        "procedure": "(?:instrução|instruções) (?:reescrit|original|dada|evoluíd)|[.] nova instrução |nova instrução [.]"
        "|a nova instrução|prompt (?:reescrito|original|dado)|nós? (?:adicionad|acrescentad)|nós? da árvore"
    },
    "Italian": {
        "procedure": "(?:l'|dell'|nell'|all')?(?:istruzione|istruzioni) (?:riscritt|original|dat[ae]|evolut)"
        "|[.] nuova istruzione |nuova istruzione [.]|la nuova istruzione|prompt (?:riscritto|originale|dato)|nod[oi] (?:aggiunt"
        "|dell'albero)"
    },
    "Russian": {
        "procedure": "(?:переписанн|исходн|перефразированн|усложненн|усложнённ)[а-яё]+ (?:инструкци|запрос"
        "|промпт|задани)|новая инструкция|новой инструкции|(?:данный|исходный) промпт|добавленн[а-яё]+ узл"
        "|узл[а-яё]* дерева"
    },
    "Arabic": {
        "procedure": "(?:التعليمات|التعليمة|الموجه|الأمر|المطالبة) (?:المعاد|المعاد كتابته|الأصلي|الاصلي"
        "|الأصلية|الاصلية|المعطى|المعطاة|الجديدة|الجديد|المطورة)|(?:عقد|العقد|عقدة) (?:المضافة|الشجرة|مضافة)"
    },
    "Hindi": {
        "procedure": "(?:पुनर्लिखित|पुनः लिखित|दोबारा लिखा गया|मूल|दिया गया|दिए गए|नया|नए|विकसित) (?:निर्देश"
        "|प्रॉम्प्ट)|(?:जोड़े गए|जोड़ा गया) नोड|ट्री नोड|वृक्ष के नोड"
    },
    "Japanese": {
        "procedure": "(?:書き直|書き換え|書きかえ|改訂|進化)[^.]{1,4}?(?:指示|プロンプト"
        "|命令)|与えられた(?:指示|プロンプト)|元の(?:指示|プロンプト)|新しい(?:指示|プロンプト)(?: |は|では|です)|追加(?:された"
        "|した)ノード|ツリーノード|木のノード"
    },
    "Korean": {
        "procedure": "(?:(?:다시 쓴|재작성된|재작성한|수정된|진화된) (?:지시문|지시사항|프롬프트|명령문|지시)"
        "|(?:주어진|원래|기존|새로운) (?:지시문|지시사항|프롬프트|명령문))(?:은|는|을|를|에|의|이|가|$| )|추가된 노드|트리 노드|트리의 노드"
    },
    "Turkish": {
        "procedure": "(?:yeniden yazilan|yeniden yazilmiş|verilen|orijinal|yeni) (?:talimat|yönerge|istem"
        "|prompt)|eklenen düğüm|ağaç düğüm|ağacin düğüm"
    },
    "Vietnamese": {
        "procedure": "(?:lời nhắc|chỉ dẫn|hướng dẫn|câu lệnh|yêu cầu|prompt) (?:đã (?:được )?viết lại"
        "|được viết lại|viết lại|ban đầu|đã cho|gốc)|(?:chỉ dẫn|câu lệnh|lời nhắc|prompt) mới (?:là|phải|này|yêu cầu)|[.] (?:chỉ dẫn|câu lệnh|lời nhắc) mới |nút (?:được thêm"
        "|đã thêm|của cây)"
    },
    "Indonesian": {
        "procedure": "(?:instruksi|prompt|perintah) (?:yang (?:ditulis ulang|diberikan)|asli|baru [.]"
        "|yang baru)|[.] (?:instruksi|perintah) baru |(?:simpul|node) (?:yang ditambahkan|pohon|tambahan)"
    },
    "Thai": {
        "procedure": "(?:คำสั่ง|พรอมต์)(?:ที่(?:เขียนใหม่|ปรับปรุง|กำหนดให้|ให้มา)|ใหม่(?:คือ|ต้อง|นี้)|เดิม|ต้นฉบับ)|[.] (?:คำสั่ง|พรอมต์)ใหม่ |โหนด(?:ที่เพิ่ม|ของต้นไม้)"
    },
}

UNWILLING: Families = {
    "English": {
        "rewriting": "i(?:'m| am)? (?:can't|cannot|can not|won't|will not|unable to|not able to) (?:re ?write|evolve|expand|modify"
        "|change|complicate|make|improve|extend|revise|rephrase|reword|add to|turn)"
        " (?:this|that|your|the|any|these) (?:[^ .]+ ){0,2}(?:instruction|prompt|request|task|query)"
    },
    "Chinese": {
        "rewriting": "(?:无法|無法|不能|不便|不会|不會)[^.]{0,4}(?:改写|重写|改寫|重寫|修改|扩展|擴展|改编|复杂化)[^.]{0,8}"
        "(?:指令|提示|请求|請求|任务|任務)|(?:无法|無法|不能)[^.]{0,3}对(?:这|该|此)[^.]{0,6}(?:改写|重写|修改)"
    },
    "Spanish": {
        "rewriting": "no (?:puedo|podré|podría) (?:reescribir|modificar|cambiar|ampliar|complicar|reformular) (?:[^ .]+ ){0,3}"
        "(?:instrucci|solicitud|petición|prompt|indicaci|consigna)"
    },
    "French": {
        "rewriting": "je ne (?:peux|puis|saurais|suis pas en mesure de)(?: malheureusement)?(?: pas)? (?:réécrire|modifier"
        "|reformuler|changer|compliquer) (?:[^ .]+ ){0,3}(?:instruction|consigne|demande|invite|prompt|requête)"
    },
    "German": {
        "rewriting": "(?:kann|darf|werde) (?:ich )?(?:leider )?(?:diese|die|ihre|deine|den|diesen)[^ .]* (?:anweisung|aufforderung"
        "|prompt|aufgabe|anfrage) (?:leider )?nicht (?:umschreiben|umformulieren|ändern|erweitern|verändern|neu schreiben)"
    },
    "Portuguese": {
        "rewriting": "não (?:posso|consigo|poderei) (?:reescrever|modificar|alterar|reformular) (?:[^ .]+ ){0,3}(?:instruç|solicita"
        "|pedido|prompt|comando)"
    },
    "Italian": {
        "rewriting": "non (?:posso|riesco a|sono in grado di) (?:riscrivere|modificare|riformulare|cambiare) (?:[^ .]+ ){0,3}"
        "(?:istruzion|richiest|prompt|consegna|l'istruzion)"
    },
    "Russian": {
        "rewriting": "не (?:могу|буду|смогу) (?:переписать|изменить|переформулировать|усложнить) (?:[^ .]+ ){0,3}(?:инструкц|запрос"
        "|промпт|задани)"
    },
    "Arabic": {
        "rewriting": "لا (?:[أا]ستطيع|يمكنني) (?:[أا]ن )?(?:[إا]عادة|[أا]عيد|تعديل|تغيير) (?:[^ .]+ ){0,2}(?:[^ .]*تعليم|[^ .]*الطلب|[^ .]*الموجه)"
    },
    "Hindi": {
        "rewriting": "(?:निर्देश|प्रॉम्प्ट|अनुरोध) को (?:[^ .]+ ){0,3}नहीं (?:लिख|बदल)",
    },
    "Japanese": {
        "rewriting": "(?:指示|プロンプト|命令|依頼)[^.]{0,4}(?:書き換え|書き直|変更|改変)[^.]{0,8}(?:できません|できない|出来ません)"
    },
    "Korean": {
        "rewriting": "(?:지시문|지시사항|지시|프롬프트|명령문)[^.]{0,10}(?:쓸|수정할|바꿀|변경할|작성할) 수 없",
    },
    "Turkish": {
        "rewriting": "(?:talimatı|yönergeyi|istemi|isteği) (?:yeniden )?(?:yazamam|değiştiremem|yazamıyorum|değiştiremiyorum)",
    },
    "Vietnamese": {
        "rewriting": "tôi không thể (?:viết lại|sửa đổi|sửa|thay đổi) (?:[^ .]+ ){0,2}(?:hướng dẫn|chỉ dẫn|câu lệnh|lời nhắc|yêu cầu)",
    },
    "Indonesian": {
        "rewriting": "saya tidak (?:dapat|bisa) (?:menulis ulang|mengubah|memodifikasi) (?:[^ .]+ ){0,2}(?:instruksi|perintah|prompt|permintaan)",
    },
    "Thai": {
        "rewriting": "ไม่สามารถ(?:เขียน|แก้ไข|เปลี่ยน|ปรับ)(?:คำสั่ง|พรอมต์)",
    },
}
"""How a model declines to rewrite an instruction: beside the refusals of answers (stages/curation/refusals.py)."""
