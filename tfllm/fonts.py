"""Which fonts a drawing asks for: matplotlib's own, and behind it those found here that have Chinese letters."""

FONT = "DejaVu Sans"  # matplotlib's own; the others have Chinese, Japanese, Korean, where one is installed
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
              "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS")  # fmt: skip


def families():
    """The names for matplotlib's `family`."""
    from matplotlib.font_manager import get_font_names

    return [FONT, *(font for font in WIDE_FONTS if font in set(get_font_names()))]
