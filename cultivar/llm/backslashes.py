r"""Backslashes that a model forgot to double inside JSON strings, put back before the text is read.

`{"answer": "$\frac{1}{2} \times \alpha$"}` is what models write where they should write `\\frac`. JSON reads `\f` and
`\t` as a form feed and a tab, and refuses `\a`. `double_backslashes` doubles the backslash where the text meant one:

* An escape that JSON does not have (`\alpha`, `\(`, `\d`, `\u` without four hex digits) is a backslash. `\'` is an
  apostrophe, as in most programming languages.
* `\b` is a backslash: no text holds the control character backspace, but LaTeX (`\beta`) and patterns (`\bword\b`) do.
* `\f`, `\n`, `\r`, `\t` with the letters behind them are LaTeX where they spell a command that no text spells by
  accident (COMMANDS: `\frac`, `\nabla`, `\times`; BRACED: those that take an argument, `\text{`), and in any inline
  formula (`$…$`, `\(…\)` on one line) where they spell a command at all (WORDS: `\nu`, `\neq`, `\tan`, `\to`).
* Elsewhere a command of WORDS may as well be a line break or tab before a word (`\nu = 3` in code). It is a control
  character where the writer doubles other backslashes of the string, or no formula is near; a command where the writer
  does not and it begins with a tab (no formula holds tabs). In what is left both readings make sense, and the answer is
  in doubt: Doubtful, which the engine puts to the model again.
* A path from a drive letter (`C:\Users\new`) is made of backslashes where one of its parts shows it. Where all its parts
  could begin with a line break or tab (`C:\new\table`, `C:\temp`) it is in doubt; `A:\nfoo` is a label and its text.
* No text has a form feed before a small letter: `\footnote` is in doubt. Any other `\f`, `\n`, `\r`, `\t` is what JSON says.
* Where a string holds LaTeX and no backslash of it is doubled before anything, `\\` is LaTeX's own line break.

The text is read once, from left to right, string by string.
"""

import re
from collections.abc import Iterator

TOKEN = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|[A-Za-z]+|[\s\S])|\$\$?")
STRING_END = re.compile(r'\\[\s\S]|"')
DRIVE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]:$")
PATH_PART = re.compile(r"[\w.-]*(?: Files(?: \(x86\))?)?")
LETTERS = re.compile("[^\\W\\d_]*")
NAME = re.compile(r"[\w.-]")
UNICODE = re.compile(r"\\u[0-9A-Fa-f]{4}")
CLOSING = {"$": "$", "$$": "$$", "(": ")", "[": "]", "begin": "end"}
PUNCTUATION = frozenset("()[]{},;:!|%&#_$ ")
"""What follows a backslash in LaTeX besides letters."""

COMMANDS = frozenset(
    r"""
    fallingdotseq fbox flat footnotesize forall frac framebox frown
    nabla natural nearrow negmedspace negthickspace negthinspace newcommand newline newpage nobreak noindent nolimits nonumber normalsize notin nwarrow
    rVert raisebox rangle rbrace rbrack rceil ref relax renewcommand rfloor rgroup rho right rightarrow
    rightarrowtail rightharpoondown rightharpoonup rightleftarrows rightleftharpoons rightrightarrows rightsquigarrow
    risingdotseq rm root rtimes rvert
    therefore theta thickapprox thicksim thinspace thickspace tilde times tiny triangle triangledown
    triangleleft trianglelefteq triangleq triangleright trianglerighteq twoheadrightarrow textstyle textasciicircum
    textasciitilde textbackslash textdegree textellipsis textemdash textendash textquotedblleft textquotedblright
    """.split()
)
"""Commands that begin with f, n, r or t and whose other letters begin no word."""
BRACED = frozenset(
    "tag tbinom text textbf textit textmd textnormal textrm textsc textsf textsl texttt textup textcolor tfrac".split()
)
"""Commands that are ones only in front of a brace."""
WORDS = frozenset(
    r"""
    nLeftarrow nRightarrow nVdash ncong ne neg neq nexists ngeq ngtr ni nleftarrow nleftrightarrow nleq nless nmid not
    nparallel nprec nrightarrow nsim nsubseteq nsucc nsupseteq ntriangleleft ntriangleright nu nvdash
    tan tanh tau to top trace
    """.split()
)
"""Commands whose other letters may begin a word or be a name."""
OTHER = frozenset(
    r"""
    Delta Gamma Lambda Leftarrow Leftrightarrow Omega Phi Pi Psi Re Rightarrow Sigma Theta Upsilon Xi
    alpha angle approx arccos arcsin arctan ast backslash bar because begin beta beth between bf big bigcap bigcup bigg
    biggl biggr bigl bigoplus bigr binom bmod boldsymbol bot bowtie boxed breve bullet cap cdot cdots chi choose circ colon cong cos cosh cot csc cup
    dbinom ddot ddots deg delta det dfrac diamond displaystyle div dot dots ell emptyset end epsilon equiv eta exists exp
    gamma gcd ge geq gets gg hat hbar hline iff iiint iint implies in inf infty int iota kappa ker
    lambda land langle lceil ldots le left leftarrow leftrightarrow leq lfloor lim limits ll ln lnot log
    longrightarrow lor lvert mapsto mathbb mathbf mathcal mathfrak mathit mathrm mathsf max mid min mod mp mu
    odot oint omega operatorname oplus otimes overline parallel partial perp phi pi pm pmod prime prod propto psi
    qquad quad sec setminus sigma sim simeq sin sinh sqrt star subset subseteq sum sup supset supseteq
    underbrace underline uparrow upsilon varepsilon varphi vartheta vdots vec vee wedge widehat widetilde xi zeta
    """.split()
)
"""More commands: a string that holds one is LaTeX whose backslashes are not doubled."""


class Doubtful(ValueError):
    """A backslash that can be read in two ways; the message is fit to be shown to the model."""

    def __init__(self, token: str) -> None:
        super().__init__(
            f"{token[:40]} can be a command, a path or a control character: write each backslash of LaTeX, code and paths "
            r"as \\, and a line break as \n before a space or a capital letter"
        )


def double_backslashes(text: str) -> str:
    """JSON (or what is meant to be) with the backslashes doubled that meant one. Raises Doubtful."""
    if "\\" not in text:
        return text
    return "".join(piece if "\\" not in piece else String(piece).rewrite() for piece in pieces(text))


def pieces(text: str) -> Iterator[str]:
    """The text cut at every quotation mark that no backslash stands before; the marks are pieces too."""
    start = 0
    for found in STRING_END.finditer(text):
        if found[0] == '"':
            yield text[start : found.start()]
            yield '"'
            start = found.end()
    yield text[start:]


class String:
    """The inside of one JSON string as it stands in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(TOKEN.finditer(text))
        self.has_environment = any(name_of(token) in ("begin", "end") for token in self.tokens)
        self.doubles = any(map(self.is_doubled, self.tokens))
        self.is_latex = any(map(self.shows_latex, self.tokens))
        self.paths = find_paths(text, self.tokens)
        breaks = sum(name_of(token)[:1] == "n" for token in self.tokens) + ("\n" in text)
        self.has_other_breaks = breaks > 1
        self.formulas: dict[int, str] = {}
        if any(name_of(token) in WORDS for token in self.tokens):
            self.formulas = find_formulas(text, self.tokens)

    def rewrite(self) -> str:
        """The text with backslashes doubled. Raises Doubtful."""
        result, end = [], 0
        for token in self.tokens:
            result += [self.text[end : token.start()], self.read(token)]
            end = token.end()
        return "".join([*result, self.text[end:]])

    def read(self, token: re.Match[str]) -> str:
        """The token as JSON should have it. Raises Doubtful."""
        written = token[0]
        if written[0] == "$" or written[1] in '"/' or is_unicode_escape(written):
            return written
        if written == r"\\":
            return r"\\\\" if self.is_latex and not self.doubles else written
        if written == r"\'":
            return "'"
        in_path = self.paths.get(token.start())
        if in_path or written[1] not in "fnrt" or self.is_command(token):
            return "\\" + written
        name = name_of(token)
        if in_path is False or (name[:1] == "f" and name[1:2].islower()):
            raise Doubtful(written)
        return "\\" + written if name in WORDS and self.is_command_by_place(token) else written

    def is_command(self, token: re.Match[str]) -> bool:
        """Whether it is LaTeX wherever it stands; `\\f` and `\\r` also with unknown letters, where the string is LaTeX."""
        name = name_of(token)
        is_known = name in COMMANDS or (name in BRACED and self.text[token.end() : token.end() + 1] == "{")
        if is_known or self.doubles or not self.is_latex:
            return is_known
        return name in BRACED or (name[:1] in ("f", "r") and len(name) > 1)

    def is_command_by_place(self, token: re.Match[str]) -> bool:
        """Whether a command of WORDS is one in this place. Raises Doubtful."""
        place, is_tab = token.start(), token[0][1] == "t"
        formula = self.formulas.get(place)
        if formula == "inline":
            return True
        if self.doubles:
            return False
        if self.is_latex or formula == "display":
            if is_tab:
                return True
            raise Doubtful(token[0])
        before = self.text[max(0, place - 2) : place]
        is_indented = before.endswith((r"\n", r"\t", "\n", "\t"))
        is_operator = not self.has_other_breaks and (not before or before[-1] in " ({='")
        if (is_tab and not is_indented) or (not is_tab and is_operator):
            raise Doubtful(token[0])
        return False

    def shows_latex(self, token: re.Match[str]) -> bool:
        """Whether it is LaTeX with its backslash not doubled, whatever the rest of the string is."""
        written, name = token[0], name_of(token)
        if written[0] == "$":
            return False
        if not name:
            return written[1] in PUNCTUATION
        is_braced = name in BRACED and self.text[token.end() : token.end() + 1] == "{"
        return name in COMMANDS or name in OTHER or is_braced

    def is_doubled(self, token: re.Match[str]) -> bool:
        """Whether it is a doubled backslash before a command or bracket of LaTeX, a path's name or a letter of code."""
        after = self.text[token.end() : token.end() + 2]
        if token[0] != r"\\" or not after:
            return False
        if after[0] == "[":
            return not after[1:].isdigit()
        if after[0].isalpha() and self.has_environment:  # in a matrix the next row may begin with a letter
            return is_named(LETTERS.match(self.text, token.end())[0])  # type: ignore[index]
        return after[0].isalpha() or after[0] in "()]{}$%,;:!|.'"


def find_formulas(text: str, tokens: list[re.Match[str]]) -> dict[int, str]:
    """Where the tokens stand that are in formulas: "inline" (on one line), or "display" (set apart, or on several)."""
    kinds: dict[int, str] = {}
    opened: tuple[str, int] | None = None  # the mark and its position among the tokens
    for position, token in enumerate(tokens):
        mark = mark_of(text, token)
        if mark is None:
            continue
        if opened is not None and mark == CLOSING[opened[0]]:
            inner = tokens[opened[1] + 1 : position]
            inside = text[tokens[opened[1]].end() : token.start()]
            if opened[0] != "$" or is_formula(inside, text[token.end() : token.end() + 1]):
                is_inline = opened[0] in ("$", "(") and "\n" not in inside and not any(map(is_plain_break, inner))
                kinds |= dict.fromkeys((each.start() for each in inner), "inline" if is_inline else "display")
                opened = None
                continue
        if mark in CLOSING and (opened is None or opened[0] == "$"):
            opened = (mark, position)
    return kinds


def mark_of(text: str, token: re.Match[str]) -> str | None:
    """What the token opens or closes: "$", "$$", a bracket, "begin", "end"; None for nothing."""
    if token[0][0] == "$":
        return token[0]
    if token[0] != r"\\":
        name = name_of(token) or token[0][1]
        return name if name in ("begin", "end", *"()[]") else None
    after = text[token.end() : token.end() + 6]
    if after.startswith(("begin{", "end{")):
        return after.partition("{")[0]
    is_spacing = after[:1] == "[" and after[1:2].isdigit()
    return after[0] if after and after[0] in "()[]" and not is_spacing else None


def is_formula(inside: str, after: str) -> bool:
    """Whether two dollars with this between and behind them enclose a formula rather than amounts (Pandoc's rule)."""
    return bool(inside) and not (inside[0].isspace() or inside[-1].isspace() or after.isdigit())


def is_plain_break(token: re.Match[str]) -> bool:
    """Whether it is a line break that spells no command with the letters behind it."""
    name = name_of(token)
    return name[:1] == "n" and name not in COMMANDS and name not in WORDS


def find_paths(text: str, tokens: list[re.Match[str]]) -> dict[int, bool]:
    """The backslashes in paths from a drive letter, by where they start: True for one, False where that is in doubt."""
    places: dict[int, bool] = {}
    run: list[re.Match[str]] = []
    for token in tokens:
        start = token.start()
        if token[0][0] == "$":
            continue
        if run and continues_path(text, run[-1].end(), token):
            run.append(token)
            continue
        places |= judge_path(text, run)
        begins = DRIVE.search(text[max(0, start - 3) : start]) is not None
        run = [token] if begins and begins_name(text, token) else []
    return places | judge_path(text, run)


def continues_path(text: str, end: int, token: re.Match[str]) -> bool:
    """Whether the token begins the next part of a path whose last backslash and letters end at `end`."""
    part = PATH_PART.match(text, end)
    if part is None or part.end() != token.start() or "." in part[0] or not begins_name(text, token):
        return False
    return token[0][1] not in "nt" or token[0][2:3].islower()


def begins_name(text: str, token: re.Match[str]) -> bool:
    """Whether a name stands behind the backslash, rather than the letter of an escape (`if x:\\r\\n`)."""
    return token[0][1] not in "bfnrt" or NAME.match(text, token.start() + 2) is not None


def judge_path(text: str, run: list[re.Match[str]]) -> dict[int, bool]:
    """Whether the backslashes of what may be a path are ones, by where they start; {} where it is no path."""
    if not run or any(token[0] in (r"\\", '\\"', r"\/") for token in run):
        return {}
    starts = [token.start() for token in run]
    is_upper = text[starts[0] - 2].isupper()
    if any(token[0][1] not in ("nt" if is_upper else "bfnrt") for token in run):
        return dict.fromkeys(starts, True)
    several_parts = len(run) > 1 or run[0][0][1] == "t"  # a line break after a label (`C:`) is common, a tab is not
    is_likely = several_parts and is_upper and run[0][0][2:3].islower()
    return dict.fromkeys(starts, False) if is_likely else {}


def is_named(name: str) -> bool:
    """Whether the letters are a command's."""
    return name in COMMANDS or name in BRACED or name in WORDS or name in OTHER


def name_of(token: re.Match[str]) -> str:
    """The letters behind the backslash, "" where there are none."""
    letters = token[0][1:]
    return letters if letters.isalpha() and letters.isascii() and not is_unicode_escape(token[0]) else ""


def is_unicode_escape(written: str) -> bool:
    """Whether it is `\\u` with four hex digits."""
    return written[1] == "u" and UNICODE.fullmatch(written) is not None
