"""How a dialogue is written, and what of it a reply may look back at: one turn after the other, by lists."""


def read(text, speakers):
    """The string of a dialogue -> (system line or "", [(number of the speaker, turn)], number that is asked or -1)."""
    lines, system, turns, asked = text.split("\n"), "", [], -1
    for place, line in enumerate(lines):
        name, tab, rest = line.partition("\t")
        name = name.strip()
        if tab and name == "system" and place == 0:
            system = " ".join(rest.split())
            continue
        if tab and name in speakers:
            who, said = speakers.index(name), " ".join(rest.split())
            if not said and place == len(lines) - 1:
                asked = who
        else:
            who, said = (turns[-1][0] + 1) % len(speakers) if turns else 0, " ".join(line.split())
        if said:
            turns.append((who, said))
    return system, turns, asked


def prompt(encode, end, speakers, room, first, system, turns, replier):
    """-> (token ids up to the mark of who replies, turns that are dropped, tokens that are cut)."""
    marks = [encode(f"{name}:") for name in (*speakers, "system")]
    start, cut, written = [] if first is None else [first], 0, []
    if system:
        ids, limit = encode(system), (room - 1 - max(map(len, marks))) // 2 - len(marks[-1]) - 1
        cut += max(0, len(ids) - limit)
        written = [*marks[-1], *ids[:limit], end]
    room -= len(start) + len(written) + len(marks[replier])
    kept = []
    for back, (who, said) in enumerate(reversed(turns)):
        ids = [*marks[who], *encode(said), end]
        if len(ids) > room and back:
            break
        if len(ids) > room:
            cut += len(ids) - room
            ids = marks[who] + ids[len(marks[who]) + len(ids) - room :]
            kept = [ids]
            break
        room -= len(ids)
        kept.insert(0, ids)
    return start + written + sum(kept, []) + marks[replier], len(turns) - len(kept), cut


def pairs(encode, end, speakers, room, first, most, system, turns, only=None):
    """Each reply: (what it looks back at, its tokens with END, at most so many)."""
    found = []
    for place, (who, said) in enumerate(turns):
        if place and only in (None, who):
            before = prompt(encode, end, speakers, room, first, system, turns[:place], who)[0]
            found.append((before, [*encode(said), end][:most]))
    return found
