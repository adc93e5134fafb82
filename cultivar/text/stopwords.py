"""Function words by language, in normal form and as tokens: words that say nothing of what a text is about.

A text's language is the one whose function words are the largest share of its tokens, so that the German article "die"
is not taken out of an English text. Chinese, Japanese and Thai have their function words of one character only.
"""

import polars as pl

STOPWORDS = {
    "English": """
        a about after all also an and any are as at be been but by can could did do does dont for from had
        has have he her him his how i if im in into is it its just me more most my no not of on one or other
        our out please she should so some such than that the their them then there these they this to too up
        us was we were what when where which who why will with would you your
    """,
    "Spanish": """
        a al algo ante como con cual cuando de del desde donde durante e el ella ellas ellos en entre era
        eres es esa ese eso esta está están este esto fue ha han hasta hay la las le les lo los más me mi
        muy nada no nos o para pero por porque que qué se ser si sí sin sobre son su sus también te tu tus
        un una uno unos y ya yo cómo cuál
    """,
    "French": """
        à au aux avec ce ces cet cette comme comment dans de des donc du elle elles en entre es est et être
        eux il ils je la le les leur leurs lui ma mais me mes moi mon ne nos notre nous on ont ou où par pas
        plus pour qu que quel quelle quels qui quoi sa sans se ses si son sont sur ta te tes ton tu un une
        vos votre vous y cest dun dune quil
    """,
    "German": """
        aber alle als am an auch auf aus bei bin bis bist da damit das dass dein deine dem den der des die
        dies diese dieser du durch ein eine einem einen einer eines er es euch für haben hat ich ihr ihre im
        in ist ja kann man mein meine mich mir mit nach nicht noch nur oder sein seine sich sie sind so über
        um und uns unter vom von vor war was wenn wer wie wir wird wo zu zum zur
    """,
    "Portuguese": """
        a ao aos as até com como da das de dela dele do dos e é ela elas ele eles em entre era essa esse
        esta este eu foi há isso isto já lhe mais mas me meu meus minha muito na nas não nem no nos nós o os
        ou para pela pelo por porque quais qual quando que quem se sem ser seu seus só são sua suas também
        te tem teu tu um uma você
    """,
    "Italian": """
        a ad ai al alla alle anche che chi ci come con cosa cui da dal dalla dei del della delle di dove e è
        ed ecco era essere fra gli ha hai hanno ho i il in io la le lei li lo loro lui ma me mi mia mio ne
        nei nel nella noi non nostro o per perché più quale quando quella quello questa questo se sei si
        sono su sua suo tra tu tuo un una uno vi voi
    """,
    "Russian": """
        а без бы был была были было быть в вам вас во вот все всех вы где да для до его ее её если есть еще
        же за и из или им их к как какая какие какой когда кто ли меня мне мы на над нас не него нее нет ни
        но о об он она они оно от по под при с со так также то того тоже только ты у уже что чтобы эта эти
        это этого этот я
    """,
    "Arabic": """
        من في على إلى الى عن أن إن ان هذا هذه ذلك تلك التي الذي الذين ما ماذا لا لم لن هل كيف كم أو او و ثم
        قد كان كانت يكون هو هي هم نحن أنا انا أنت انت كل بعض مع بين عند بعد قبل حتى إذا اذا لكن كما أي اي به
        بها له لها فيه فيها منه منها هناك غير
    """,
    "Hindi": """
        और का की के को में से है हैं था थी थे हो होता होती होते पर यह ये वह वे इस इसे इन उस उसे उन एक कि जो
        जब तक तो ही भी ने नहीं या लिए कर करें करना करता करती क्या कैसे कौन कहाँ मैं मुझे मेरा मेरी हम आप
        आपका आपकी तुम अपने अपना अपनी साथ द्वारा बाद कुछ
    """,
    "Korean": """
        그 이 저 것 수 및 등 더 또 또는 그리고 그러나 하지만 나는 저는 내가 제가 우리 너는 당신 이것 그것 저것 무엇 어떤 어떻게 왜 어디 언제 누가 있는 있다 있습니다 없는 하는
        한 할 해 하고 합니다 된 되는 대한 대해 위한 위해 의 을 를 은 는 에서 에 로 으로 와 과
    """,
    "Turkish": """
        acaba ama ancak artik az bana ben beni benim bir biz bize bu bunu bunun çok çünkü da daha de değil
        diye en gibi hangi hem hep her için ile ise kadar ki kim mi mu mü nasil ne neden nerede o olan
        olarak oldu olduğu on ona onu onun sana sen siz şey şu tüm var ve veya ya yok
    """,
    "Vietnamese": """
        và là của có cho các những một với trong không được này đó khi để thì mà ở từ về như bạn tôi chúng
        ta họ nó đã sẽ đang rất cũng hay hoặc nếu vì nên do bởi tại trên dưới ra vào đến theo gì nào sao ai
        đâu hãy thế
    """,
    "Indonesian": """
        yang dan di ke dari untuk dengan pada adalah ini itu atau juga tidak dalam akan oleh sebagai karena
        saya anda kamu kami kita mereka dia ia ada bisa dapat sudah telah seperti jika apa apakah bagaimana
        mengapa siapa mana lebih para agar bagi tersebut sebuah secara hanya saja lagi namun tetapi
    """,
    "Chinese": """
        的 了 是 在 不 和 与 有 我 你 您 他 她 它 们 這 这 那 个 個 也 就 都 而 及 或 一 把 被 对 為 为 以 于 上 下 中 到 从 吗 呢 吧 啊 请 着 之 其 所 向 会
        能 要 说 很 还 又 但 如 何
    """,
    "Japanese": """
        は が の に を と で も へ や か て た し な だ れ る い う ま す さ せ こ そ あ ど よ ね り つ け ん っ ら お く ば
    """,
    "Thai": """
        ที่ ก็ ณ นี้ มี ๆ ฯ
    """,
}


def stopword_table() -> pl.DataFrame:
    """(token, language) of every function word, languages in order of their names."""
    pairs = [(word, language) for language in sorted(STOPWORDS) for word in STOPWORDS[language].split()]
    return pl.DataFrame(pairs, schema=["token", "language"], orient="row")


def content_words(tokens: pl.Series) -> pl.Series:
    """The distinct tokens of each text by first place, without its language's function words (a list column)."""
    texts = pl.DataFrame({"text": pl.arange(len(tokens), eager=True), "token": tokens})
    counted = texts.explode("token").group_by("text", "token", maintain_order=True).len("times")
    known = counted.join(stopword_table(), on="token", maintain_order="left")
    votes = known.group_by("text", "language").agg(pl.col("times").sum())
    chosen = votes.sort("times", "language", descending=[True, False]).unique("text", keep="first")
    stops = known.join(chosen, on=["text", "language"], how="semi").select("text", "token")
    content = counted.join(stops, on=["text", "token"], how="anti", maintain_order="left")
    grouped = content.group_by("text", maintain_order=True).agg("token")
    return texts.select("text").join(grouped, on="text", how="left", maintain_order="left")["token"].fill_null([])
