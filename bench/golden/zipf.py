"""Writes crates/dre-io/tests/fixtures/zipf.tsv: tokens and Zipf frequencies as wordfreq gives them.

    python bench/golden/zipf.py crates/dre-io/tests/fixtures

Columns: language, text, tokens (parted by spaces; JSON), zipf_frequency with wordlist "small" (English and Dutch only).
Texts are JSON strings, so that no blank or accent is lost.
"""

import json
import random
import sys
from pathlib import Path

from wordfreq import lossy_tokenize, top_n_list, zipf_frequency

ODD = [
    "", " ", "-", "'", "''", "!", "...", "the", "The", "THE", " the ", "the.", "(the)", '"the"', "don't", "Don’t", "DON'T",
    "dont", "won't", "o'clock", "O'Brien", "rock 'n' roll", "'tis", "'s", "s'", "Jones'", "l'arc", "l’arc", "qu'un", "d'accord",
    "d'heure", "aujourd'hui", "'t", "zo'n", "foto's", "baby's", "'s ochtends", "z'n", "m'n", "well-known", "mother-in-law",
    "e-mail", "x-ray", "twenty-one", "zee-eend", "co-operate", "naïve", "naive", "nai\u0308ve", "café", "cafe\u0301", "Café",
    "façade", "coördinatie", "geïnd", "reünie", "één", "ee\u0301n", "ïjs", "ĳs", "ﬁne", "ﬁnd", "straße", "STRASSE", "İstanbul",
    "istanbul", "ISTANBUL", "λόγος", "ΛΌΓΟΣ", "мир", "МИР", "世界", "こんにちは", "東京タワー", "日本go", "สวัสดี", "안녕", "مرحبا",
    "كَلِمَة", "الحمــــــد", "שָׁלוֹם", "नमस्ते", "👍", "👍🏽", "👨‍👩‍👧", "❤️", "🇳🇱", "a👍b", "™", "©2020", "№5", "€50", "$5", "5%", "50%",
    "0", "1", "7", "10", "11", "42", "99", "100", "007", "123", "999", "1000", "1066", "1492", "1776", "1848", "1914", "1945",
    "1984", "1999", "2000", "2001", "2019", "2020", "2022", "2039", "2040", "2050", "2100", "9999", "0000", "00", "12345", "1234567",
    "3.14", "1,000", "1.000", "1,000,000", "10:30", "1/2", "20th", "1st", "2nd", "1990s", "80's", "mp3", "b2b", "4x4", "covid19",
    "covid-19", "a1b22c333", "1.", "1,", ".5", "5.5.5", "٣٤", "١٩٨٤", "२०२०", "２０２０", "x²", "H₂O", "½", "Ⅷ", "foo_bar",
    "_x_", "user@example.com", "tod@s", "@s", "l@s", "amig@", "amig@s.", "@", "@home", "#tag", "www.example.com", "a.b.c",
    "U.S.A.", "U.S.", "e.g.", "Mr.", "Ph.D.", "and/or", "AT&T", "R&B", "C++", "C#", "the cat", "the cat sat", "the the",
    "of the people", "a b c d e", "the xqzzy", "xqzzy", "qwertyuiopasdf", "New York", "new-york", "Den Haag", "'s-Hertogenbosch",
    "the\u00a0cat", "the\tcat", "the\ncat", "the\u200bcat", "soft\u00adhyphen", "the\u200dcat", "cat\u0301", "\u0301cat", "a\u0301\u0323",
    "‘quoted’", "“quoted”", "‚low’", "don`t", "donʼt", "it‛s", "it＇s", "ｆｕｌｌ", "①", "㎏", "Å", "ﬀ", "ŉ", "ſ", "Ǆ", "ς", "ß", "ẞ", "ı", "I",
    "i̇", "İ", "ş", "ţ", "ș", "ț", "kișinin", "ACELAŞI", "HAKKINDA", "L'été", "c'est", "y'all", "ain't", "ma'am", "fo'c'sle", "a'a", "ab'e",
    "abc'e", "h'o", "x'h", "'", "a'", "ab'", "'a", "''a''", "a''b", "o''o", "l'", "qu'", "l' arc", "l'l'arc", "d'l'a", "éa'i", "1'a", "12'o",
    "_'a", "a-'e", "---", "a--b", "a—b", "a–b", "a…b", "a·b", "col·legi", "a:b", "a;b", "a,b", "a.b", "1a", "a1", "1a2", "a_1", "1_000",
]
OTHERS = ["de", "fr", "es", "it", "pt", "ca", "sv", "pl", "ru", "el", "tr", "ro", "ar", "he", "fa", "hi", "fi"]


def main():
    out = Path(sys.argv[1]) / "zipf.tsv"
    rng = random.Random(20260101)
    rows = []
    for lang in ["en", "nl"]:
        words = top_n_list(lang, 20000, wordlist="small")
        texts = list(ODD)
        for word in rng.sample(words, 900):
            texts.append(rng.choice([str, str.upper, str.title, str.capitalize])(word))
        letters = "abcdefghijklmnopqrstuvwxyz"
        texts += ["".join(rng.choices(letters, k=rng.randint(1, 12))) for _ in range(100)]
        texts += [" ".join(rng.sample(words[:3000], rng.randint(2, 5))) for _ in range(150)]
        texts += ["-".join(rng.sample(words[:3000], rng.randint(2, 3))) for _ in range(100)]
        texts += [rng.choice(words[:2000]) + rng.choice([".", ",", "!", "?", "'s", "’s", "'", '"', ")", "…"]) for _ in range(150)]
        texts += ["".join(rng.choices("0123456789.,", k=rng.randint(1, 8))) for _ in range(150)]
        pieces = ["a", "e", "l", "qu", "'", "’", "-", " ", "@", "s", ".", "1", "23", "é", "\u0301", "👍", "世", "ー", "_", "ß", "İ", "\u200d"]
        texts += ["".join(rng.choices(pieces, k=rng.randint(1, 8))) for _ in range(400)]
        rows += [(lang, t, lossy_tokenize(t, lang), zipf_frequency(t, lang, wordlist="small")) for t in dict.fromkeys(texts)]
    for lang in OTHERS:
        words = rng.sample(top_n_list(lang, 5000, wordlist="small"), 40)
        texts = ODD + [rng.choice([str, str.upper, str.title])(w) for w in words]
        rows += [(lang, t, lossy_tokenize(t, lang), "") for t in dict.fromkeys(texts)]
    with out.open("w", encoding="utf-8") as file:
        for lang, text, tokens, zipf in rows:
            file.write(f"{lang}\t{json.dumps(text)}\t{json.dumps(tokens)}\t{zipf}\n")


if __name__ == "__main__":
    main()
