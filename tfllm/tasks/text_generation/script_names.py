"""The scripts that `allowed_scripts` accepts: those of living languages, by their names in Unicode."""

from tfllm.config import nearest

SCRIPTS = tuple("""
    Latin Han Cyrillic Arabic Devanagari Bengali Hiragana Katakana Hangul Greek Hebrew Thai Tamil Telugu Gujarati
    Gurmukhi Kannada Malayalam Oriya Sinhala Khmer Lao Myanmar Tibetan Georgian Armenian Ethiopic Mongolian Bopomofo
    Cherokee Canadian_Aboriginal Thaana Syriac Tifinagh Nko Vai Yi Adlam Balinese Javanese Sundanese Cham Tai_Le
    New_Tai_Lue Tai_Tham Tai_Viet Lisu Limbu Lepcha Meetei_Mayek Ol_Chiki Osage Bamum Batak Buginese Kayah_Li Saurashtra
""".split())  # fmt: skip


def check_scripts(names):
    """Raises ValueError for a name that is none, in any case and with spaces or _."""
    known = {name.lower() for name in SCRIPTS}
    for name in names:
        if name.strip().lower().replace(" ", "_") not in known:
            raise ValueError(f"allowed_scripts has no script {name!r}{nearest(name.capitalize(), SCRIPTS[:12])}")
