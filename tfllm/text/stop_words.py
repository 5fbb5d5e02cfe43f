"""Lists of English and Chinese stop words, and their removal in core TensorFlow ops.

The lists were written for this project from the closed word classes of grammar: articles, pronouns, prepositions,
conjunctions, auxiliaries, particles, numerals and measure words, adverbs of degree and time. They are not copied from
other lists. Instead of them you may use your own: any set of words, or `read_words(path)`.
"""

from pathlib import Path

import tensorflow as tf

from tfllm.files import understood
from tfllm.ragged import chosen
from tfllm.text.cleaning import lower
from tfllm.text.tokenizer import CPU
from tfllm.text.word_index import WordIndex


def stop_words(language):
    """frozenset of lower-case words; language: "en" or "zh". Raises ValueError for another language."""
    if language not in LISTS:
        raise ValueError(f"stop words exist for {list(LISTS)}, got {language!r}: pass your own set of words")
    return frozenset(LISTS[language].split())


def read_words(path):
    """frozenset of the words of a text file, one per line, without surrounding spaces; lines with # are comments."""
    with understood(path, "words in UTF-8, one per line"):
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def remove_stop_words(words, stop_words):
    """Ragged string [B, None], the words of texts -> the same without `stop_words`, ignoring case.

    words: as returned by `Words.cut`, `Segments.cut` or `tf.strings.split`. Raises ValueError for another shape.
    """
    if isinstance(words, tf.Tensor) or words.shape.rank != 2:
        raise ValueError(f"remove_stop_words takes ragged words of shape [B, None], got shape {words.shape}")
    with tf.device(CPU):
        with tf.init_scope():
            known = WordIndex(sorted({word.lower().encode() for word in stop_words}), first=0, unknown=-1)
        kept = known(lower(words.flat_values)) < 0
        return chosen(words, kept)


LISTS = {
    "en": """
a an the this that these those
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves one ones oneself someone somebody something anyone anybody anything
everyone everybody everything nobody nothing none who whom whose which what whoever whatever whichever
am is are was were be been being have has had having do does did doing done will would shall should can could may might
must ought need let lets get gets got
s t d m ll re ve don doesn didn isn aren wasn weren haven hasn hadn won wouldn can cannot couldn shouldn mustn ain
and or but nor so yet if then else because since although though while whereas unless until whether as than
of in on at by for with from to into onto upon about above across after against along among around before behind below
beneath beside besides between beyond despite down during except inside like near off out outside over past per through
throughout till toward towards under underneath unlike up via within without
not no yes never ever always often sometimes usually again also too very much many more most less least few fewer little
lot lots such same other others another each every either neither both all any some several enough only just even still
already almost quite rather really here there where when why how now soon once twice thus hence therefore however
moreover furthermore otherwise instead anyway perhaps maybe etc eg ie well own
two three four five six seven eight nine ten first second third
""",
    "zh": """
的 地 得 着 了 过 之 所 者 们 等 等等 似的 般 一般 一样 吗 呢 吧 啊 呀 哦 喔 噢 嗯 哎 唉
哪 嘛 啦 哇 喂 嗨 哈 哈哈 呵 嘿 哟 呃 咦 我 你 您 他 她 它 我们 你们 您们 他们 她们 它们 咱
咱们 自己 自身 本身 本人 人家 别人 别的 大家 彼此 各自 其 其他 其它 其中 其余 此 这 那 哪 这个
那个 哪个 这些 那些 哪些 这里 那里 哪里 这儿 那儿 哪儿 这样 那样 怎样 这么 那么 怎么 怎么样 这种
那种 这边 那边 这次 那次 谁 什么 啥 何 为什么 为何 如何 多少 几 几个 某 某个 某些 有些 有的 各
各个 各种 每 每个 任何 一切 所有 全部 许多 很多 不少 多个 多种 在 于 自 从 自从 由 向 往 朝 到
至 直到 对 对于 关于 至于 跟 和 与 同 及 以及 给 为 为了 以 用 把 将 被 让 叫 比 按 按照
根据 依据 通过 经过 随着 沿着 除 除了 除非 当 因 因为 由于 所以 因此 因而 于是 从而 以便 以免 如
如果 假如 要是 若 若是 倘若 只要 只有 无论 不论 不管 虽 虽然 尽管 但 但是 可是 不过 然而 却 而
而且 并 并且 且 或 或者 还是 要么 不仅 不但 不只 既 既然 即 即使 就是 就算 否则 然后 接着 例如
比如 譬如 诸如 像 好像 似乎 即可 也就是说 换句话说 总之 此外 另外 同时 是 有 没有 没 不 不是 无
非 别 未 会 能 能够 可 可以 可能 应 应该 应当 必须 需 需要 要 想 想要 愿意 得以 使 使得 令 让
做 作为 成为 进行 具有 包括 包含 属于 存在 称为 来 去 来自 起 起来 出来 下来 上来 下去 上去 过来
过去 进来 出去 说 看 觉得 知道 很 非常 十分 特别 太 更 更加 最 极 极其 比较 相当 稍 稍微 有点
一点 一些 一下 一直 一起 一定 一旦 都 也 还 又 再 就 才 只 仅 仅仅 只是 便 已 已经 曾 曾经 正
正在 刚 刚才 刚刚 马上 立刻 现在 目前 当前 以前 以后 之前 之后 时候 的时候 时 后 前 中 上 下 里
内 外 间 之间 之中 之一 之内 以上 以下 以内 以外 左右 当中 其实 实际上 确实 真 真的 当然 也许
大概 或许 几乎 总是 经常 常常 通常 往往 有时 从来 永远 仍 仍然 依然 甚至 尤其 主要 完全 一 二 两
三 四 五 六 七 八 九 十 百 千 万 亿 零 〇 半 第一 第二 第三 一个 一种 两个 三个 个 种 次 件
位 只 条 张 本 份 些 点 样 项 名 款 套 好 好的 好吧 是的 对了 谢谢 请 请问
""",
}
