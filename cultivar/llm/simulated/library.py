"""Seed tasks that the simulated teacher can solve: entry point -> (right, with a bug, asserts)."""

LIBRARY: dict[str, tuple[str, str, list[str]]] = {
    "add_all": (
        "def add_all(numbers):\n    return sum(numbers)",
        "def add_all(numbers):\n    return sum(numbers[1:])",
        ["assert add_all([1, 2, 3]) == 6", "assert add_all([]) == 0", "assert add_all([-4, 4]) == 0"],
    ),
    "count_vowels": (
        "def count_vowels(text):\n    return sum(c in 'aeiou' for c in text.lower())",
        "def count_vowels(text):\n    return sum(c in 'aeiou' for c in text)",
        ["assert count_vowels('Apple') == 2", "assert count_vowels('sky') == 0", "assert count_vowels('OU') == 2"],
    ),
    "is_palindrome": (
        "def is_palindrome(word):\n    word = word.lower()\n    return word == word[::-1]",
        "def is_palindrome(word):\n    return word == word[::-1]",
        [
            "assert is_palindrome('Level') == True",
            "assert is_palindrome('tree') == False",
            "assert is_palindrome('') == True",
        ],
    ),
    "largest_gap": (
        "def largest_gap(numbers):\n    s = sorted(numbers)\n    return max((b - a for a, b in zip(s, s[1:])), default=0)",
        "def largest_gap(numbers):\n    return max((b - a for a, b in zip(numbers, numbers[1:])), default=0)",
        ["assert largest_gap([5, 1, 3]) == 2", "assert largest_gap([7]) == 0", "assert largest_gap([1, 10, 4]) == 6"],
    ),
    "reverse_words": (
        "def reverse_words(sentence):\n    return ' '.join(reversed(sentence.split()))",
        "def reverse_words(sentence):\n    return sentence[::-1]",
        [
            "assert reverse_words('one two three') == 'three two one'",
            "assert reverse_words('  hi  there ') == 'there hi'",
        ],
    ),
    "unique_in_order": (
        "def unique_in_order(items):\n    return list(dict.fromkeys(items))",
        "def unique_in_order(items):\n    return sorted(set(items))",
        ["assert unique_in_order([3, 1, 3, 2, 1]) == [3, 1, 2]", "assert unique_in_order([]) == []"],
    ),
    "factorial": (
        "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)",
        "def factorial(n):\n    return n if n < 2 else n * factorial(n - 1)",
        ["assert factorial(5) == 120", "assert factorial(0) == 1"],
    ),
    "gcd_of": (
        "def gcd_of(a, b):\n    while b:\n        a, b = b, a % b\n    return a",
        "def gcd_of(a, b):\n    return min(a, b)",
        ["assert gcd_of(12, 18) == 6", "assert gcd_of(7, 5) == 1"],
    ),
    "is_prime": (
        "def is_prime(n):\n    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))",
        "def is_prime(n):\n    return n > 1 and n % 2 == 1",
        [
            "assert is_prime(2) == True",
            "assert is_prime(9) == False",
            "assert is_prime(1) == False",
            "assert is_prime(13) == True",
        ],
    ),
    "fibonacci": (
        "def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
        "def fibonacci(n):\n    a, b = 1, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
        ["assert fibonacci(0) == 0", "assert fibonacci(7) == 13"],
    ),
    "flatten": (
        "def flatten(rows):\n    return [item for row in rows for item in row]",
        "def flatten(rows):\n    return rows[0] if rows else []",
        ["assert flatten([[1, 2], [3], []]) == [1, 2, 3]", "assert flatten([]) == []"],
    ),
    "word_lengths": (
        "def word_lengths(text):\n    return {word: len(word) for word in text.split()}",
        "def word_lengths(text):\n    return {word: len(text) for word in text.split()}",
        ["assert word_lengths('a bcd') == {'a': 1, 'bcd': 3}", "assert word_lengths('') == {}"],
    ),
    "second_largest": (
        "def second_largest(numbers):\n    s = sorted(set(numbers))\n    return s[-2] if len(s) > 1 else None",
        "def second_largest(numbers):\n    s = sorted(numbers)\n    return s[-2] if len(s) > 1 else None",
        [
            "assert second_largest([4, 4, 1]) == 1",
            "assert second_largest([5]) is None",
            "assert second_largest([1, 2, 3]) == 2",
        ],
    ),
    "to_celsius": (
        "def to_celsius(fahrenheit):\n    return round((fahrenheit - 32) * 5 / 9, 1)",
        "def to_celsius(fahrenheit):\n    return round(fahrenheit * 5 / 9 - 32, 1)",
        ["assert to_celsius(212) == 100.0", "assert to_celsius(32) == 0.0"],
    ),
    "count_words": (
        "def count_words(text):\n    counts = {}\n    for word in text.lower().split():\n        counts[word] = counts.get(word, 0) + 1\n    return counts",
        "def count_words(text):\n    return {word: 1 for word in text.lower().split()}",
        ["assert count_words('A b a') == {'a': 2, 'b': 1}", "assert count_words('') == {}"],
    ),
    "chunked": (
        "def chunked(items, size):\n    return [items[i:i + size] for i in range(0, len(items), size)]",
        "def chunked(items, size):\n    return [items[i:i + size] for i in range(0, len(items) - size, size)]",
        ["assert chunked([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]", "assert chunked([], 3) == []"],
    ),
    "digits_sum": (
        "def digits_sum(n):\n    return sum(int(d) for d in str(abs(n)))",
        "def digits_sum(n):\n    return abs(n) % 9",
        ["assert digits_sum(129) == 12", "assert digits_sum(-45) == 9", "assert digits_sum(0) == 0"],
    ),
    "common_prefix": (
        "def common_prefix(words):\n    if not words:\n        return ''\n    low, high = min(words), max(words)\n    for i, c in enumerate(low):\n        if i >= len(high) or c != high[i]:\n            return low[:i]\n    return low",
        "def common_prefix(words):\n    return words[0][:2] if words else ''",
        [
            "assert common_prefix(['flower', 'flow', 'flight']) == 'fl'",
            "assert common_prefix(['dog', 'car']) == ''",
            "assert common_prefix([]) == ''",
        ],
    ),
    "transpose": (
        "def transpose(matrix):\n    return [list(row) for row in zip(*matrix)]",
        "def transpose(matrix):\n    return [row[::-1] for row in matrix]",
        ["assert transpose([[1, 2], [3, 4], [5, 6]]) == [[1, 3, 5], [2, 4, 6]]", "assert transpose([]) == []"],
    ),
    "roman": (
        "def roman(n):\n    out = ''\n    for value, sign in ((1000, 'M'), (900, 'CM'), (500, 'D'), (400, 'CD'), (100, 'C'), (90, 'XC'), (50, 'L'), (40, 'XL'), (10, 'X'), (9, 'IX'), (5, 'V'), (4, 'IV'), (1, 'I')):\n        while n >= value:\n            out += sign\n            n -= value\n    return out",
        "def roman(n):\n    out = ''\n    for value, sign in ((1000, 'M'), (500, 'D'), (100, 'C'), (50, 'L'), (10, 'X'), (5, 'V'), (1, 'I')):\n        while n >= value:\n            out += sign\n            n -= value\n    return out",
        ["assert roman(4) == 'IV'", "assert roman(1987) == 'MCMLXXXVII'", "assert roman(10) == 'X'"],
    ),
    "caesar": (
        "def caesar(text, shift):\n    return ''.join(chr((ord(c) - 97 + shift) % 26 + 97) if 'a' <= c <= 'z' else c for c in text)",
        "def caesar(text, shift):\n    return ''.join(chr(ord(c) + shift) if 'a' <= c <= 'z' else c for c in text)",
        ["assert caesar('abc xyz', 3) == 'def abc'", "assert caesar('A!', 5) == 'A!'"],
    ),
    "balanced": (
        "def balanced(text):\n    depth = 0\n    for c in text:\n        depth += (c == '(') - (c == ')')\n        if depth < 0:\n            return False\n    return depth == 0",
        "def balanced(text):\n    return text.count('(') == text.count(')')",
        ["assert balanced('(a(b))') == True", "assert balanced(')(') == False", "assert balanced('(') == False"],
    ),
    "merge_sorted": (
        "def merge_sorted(a, b):\n    return sorted(a + b)",
        "def merge_sorted(a, b):\n    return a + b",
        ["assert merge_sorted([1, 4], [2, 3]) == [1, 2, 3, 4]", "assert merge_sorted([], [1]) == [1]"],
    ),
    "running_total": (
        "def running_total(numbers):\n    out, total = [], 0\n    for n in numbers:\n        total += n\n        out.append(total)\n    return out",
        "def running_total(numbers):\n    return [sum(numbers)] * len(numbers)",
        ["assert running_total([1, 2, 3]) == [1, 3, 6]", "assert running_total([]) == []"],
    ),
    "most_common": (
        "def most_common(items):\n    return max(items, key=items.count)",
        "def most_common(items):\n    return max(items)",
        ["assert most_common(['b', 'a', 'b']) == 'b'", "assert most_common([1, 2, 2, 1]) == 1"],
    ),
    "title_case": (
        "def title_case(text):\n    return ' '.join(word[:1].upper() + word[1:].lower() for word in text.split(' '))",
        "def title_case(text):\n    return text.upper()",
        ["assert title_case('hELLO world') == 'Hello World'", "assert title_case('') == ''"],
    ),
    "binary": (
        "def binary(n):\n    return bin(n)[2:]",
        "def binary(n):\n    return bin(n)",
        ["assert binary(5) == '101'", "assert binary(0) == '0'"],
    ),
    "rotate": (
        "def rotate(items, k):\n    if not items:\n        return []\n    k %= len(items)\n    return items[-k:] + items[:-k] if k else items[:]",
        "def rotate(items, k):\n    return items[k:] + items[:k]",
        [
            "assert rotate([1, 2, 3, 4], 1) == [4, 1, 2, 3]",
            "assert rotate([], 2) == []",
            "assert rotate([1, 2], 2) == [1, 2]",
        ],
    ),
    "clamp": (
        "def clamp(value, low, high):\n    return max(low, min(value, high))",
        "def clamp(value, low, high):\n    return min(low, max(value, high))",
        ["assert clamp(5, 0, 3) == 3", "assert clamp(-1, 0, 3) == 0", "assert clamp(2, 0, 3) == 2"],
    ),
    "acronym": (
        "def acronym(phrase):\n    return ''.join(word[0].upper() for word in phrase.split())",
        "def acronym(phrase):\n    return ''.join(word[0] for word in phrase.split())",
        ["assert acronym('as soon as possible') == 'ASAP'", "assert acronym('') == ''"],
    ),
    "median": (
        "def median(numbers):\n    s = sorted(numbers)\n    m = len(s) // 2\n    return s[m] if len(s) % 2 else (s[m - 1] + s[m]) / 2",
        "def median(numbers):\n    s = sorted(numbers)\n    return s[len(s) // 2]",
        ["assert median([3, 1, 2]) == 2", "assert median([4, 1, 2, 3]) == 2.5", "assert median([5]) == 5"],
    ),
    "leap_year": (
        "def leap_year(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)",
        "def leap_year(year):\n    return year % 4 == 0",
        [
            "assert leap_year(2000) == True",
            "assert leap_year(1900) == False",
            "assert leap_year(2024) == True",
            "assert leap_year(2023) == False",
        ],
    ),
    "swap_pairs": (
        "def swap_pairs(items):\n    out = list(items)\n    for i in range(0, len(out) - 1, 2):\n        out[i], out[i + 1] = out[i + 1], out[i]\n    return out",
        "def swap_pairs(items):\n    return items[::-1]",
        [
            "assert swap_pairs([1, 2, 3]) == [2, 1, 3]",
            "assert swap_pairs([]) == []",
            "assert swap_pairs([1, 2, 3, 4]) == [2, 1, 4, 3]",
        ],
    ),
    "hamming": (
        "def hamming(a, b):\n    return sum(x != y for x, y in zip(a, b))",
        "def hamming(a, b):\n    return abs(len(a) - len(b))",
        ["assert hamming('karolin', 'kathrin') == 3", "assert hamming('', '') == 0", "assert hamming('ab', 'ba') == 2"],
    ),
    "squares_up_to": (
        "def squares_up_to(limit):\n    out, n = [], 1\n    while n * n <= limit:\n        out.append(n * n)\n        n += 1\n    return out",
        "def squares_up_to(limit):\n    return [n * n for n in range(1, limit)]",
        [
            "assert squares_up_to(10) == [1, 4, 9]",
            "assert squares_up_to(0) == []",
            "assert squares_up_to(16) == [1, 4, 9, 16]",
        ],
    ),
}
