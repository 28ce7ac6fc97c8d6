"""The numbers from 0 to 10 as models spell them."""

__all__ = ["SCALES", "SPELLED", "UNITS"]

_LANGUAGES = (
    "zero one two three four five six seven eight nine ten",
    "- eins zwei drei vier fünf sechs sieben acht neun zehn",  # `null` may as well say that there is no score
    "zéro un deux trois quatre cinq six sept huit neuf dix",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez",
    "- uno due tre quattro cinque sei sette otto nove dieci",
    "- um dois três quatro cinco seis sete oito nove dez",
    "nul een twee drie vier vijf zes zeven acht negen tien",
    "ноль один два три четыре пять шесть семь восемь девять десять",
    "零 一 二 三 四 五 六 七 八 九 十",
    "〇 一 两 三 四 五 六 七 八 九 十",
)

SPELLED = {
    word: number for language in _LANGUAGES for number, word in enumerate(language.split()) if word != "-"
}
"""From a word in lower case to its number."""

UNITS = ("points?", "punkte?", "puntos?", "punti", "pontos?", "punten", "балл(?:а|ов)?", "分", "点")
"""What may follow a score, as patterns."""

SCALES = ("out of", "of", "von", "sur", "de", "sobre", "su", "van", "из", "em")
"""What may stand between a score and the 10 of its scale."""
