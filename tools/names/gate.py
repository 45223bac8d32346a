"""The name gate: is the name on paper the name?

usage: gate.py names COUNT SEED     prints names as JSON, one a line
       gate.py defects              prints the known defects of the readers that are installed, as JSON, one a line
       gate.py check FOLDER [MODE]  FOLDER has pages.json and pages.bin; prints a line for each complaint and for the sum;
                                    in the mode "all", known defects are complaints too; "quick" leaves poppler out;
                                    "progress" tells how far it is and leaves pages with complaints in FOLDER/complaints

pages.json is a list of {"theme", "script", "name", "at": [offset, length] or "error"}; each theme's first page is that of
the reference name.
"""

import json
import multiprocessing
import pathlib
import re
import shutil
import sys
import time
import unicodedata
from collections import Counter

import ink
import readers
import repertoire

HERE = pathlib.Path(__file__).parent
PART = 40  # pages that a process judges in one go
KEPT = 20  # pages of each kind of complaint that are kept


def known_defects():
    return json.loads((HERE / "known_defects.json").read_text(encoding="utf-8"))


def is_known(defects, reader, script, name):
    """Returns true if a reader is known to extract such a name wrongly from any writer's file."""
    return any(
        reader in defect["readers"]
        and (script in defect.get("scripts", []) or any(re.search(pattern, name) for pattern in defect.get("names", [])))
        for defect in defects
    )


def refusable():
    """Sequences such as "U+0315" that no bundled font draws: names with them are refused."""
    return [line.split(":")[0].strip() for line in repertoire.data_lines("refused.txt")]


class Judge:
    """Judges pages. One for each process, because it remembers the fonts of the themes."""

    instance = None

    def __init__(self, mode):
        self.with_poppler, self.eye, self.refused = mode != "quick", ink.Eye(), refusable()
        self.defects = [] if mode == "all" else known_defects()

    def judge(self, pages):
        """Complaints as (kind, text, file of the page), and sums. The first page is that of the reference name."""
        found, sums = [], Counter()
        for page, _ in pages[1:]:
            sums[("refused" if "error" in page else "drawn", page["script"])] += 1
            if "error" in page and not any(sequence in page["error"] for sequence in self.refused):
                found.append(("refused", f"{where(page)}: refused: {page['error']}", None))
        drawn = [(page, data) for page, data in pages if data]
        texts = readers.texts([data for _, data in drawn], self.with_poppler)
        frames = {}
        for number, (page, data) in enumerate(drawn):
            with readers.Opened(data) as opened:
                read = {"mupdf": opened.text(), **{reader: of_all[number] for reader, of_all in texts.items()}}
                frames = frames or {reader: readers.Frame(text) for reader, text in read.items()}
                faults = self.differences(page, read, frames, sums)
                wanted = unicodedata.normalize("NFC", page["name"])
                faults.extend(self.eye.complaints(opened, page["theme"], page["script"], wanted))
            found.extend((kind, f"{where(page)}: {fault}", data) for kind, fault in faults)
        return found, sums

    def differences(self, page, read, frames, sums):
        """Readers whose text is not the name."""
        faults, wanted = [], unicodedata.normalize("NFC", page["name"])
        for reader, text in read.items():
            got = wanted if page["name"] == readers.MARKER else frames[reader].name_in(text, wanted)
            if got == wanted:
                continue
            if is_known(self.defects, reader, page["script"], wanted):
                sums[("known defect", reader)] += 1
            else:
                faults.append((f"text of {reader}", f"{reader} extracts {got!r}"))
        return faults


def where(page):
    return f"{page['theme']}: {page['name']!r}"


def start(mode):
    Judge.instance = Judge(mode)


def judge(task):
    folder, pages = task
    with open(folder / "pages.bin", "rb") as file:

        def content(page):
            file.seek(page["at"][0])
            return file.read(page["at"][1])

        return Judge.instance.judge([(page, content(page) if "at" in page else None) for page in pages])


def tasks(folder):
    """Parts of one theme's pages, each with the page of the reference name before them."""
    pages = json.loads((folder / "pages.json").read_text(encoding="utf-8"))
    for theme in dict.fromkeys(page["theme"] for page in pages):
        reference, *others = [page for page in pages if page["theme"] == theme]
        for at in range(0, len(others), PART):
            yield folder, [reference, *others[at : at + PART]]


def check(folder, mode):
    sums, kinds, lines, pages, said = Counter(), Counter(), [], 0, time.monotonic()
    keep = folder / "complaints"
    shutil.rmtree(keep, ignore_errors=True)
    for found, counted in results(list(tasks(folder)), mode):
        sums.update(counted)
        pages += sum(times for (kind, _), times in counted.items() if kind in ("drawn", "refused"))
        for kind, line, data in found:
            kinds[kind] += 1
            lines.append((kind, line))
            if mode == "progress":
                print(line, file=sys.stderr)
                if data and kinds[kind] <= KEPT:
                    keep.mkdir(exist_ok=True)
                    (keep / f"{kind.replace(' ', '-')}-{kinds[kind]}.pdf").write_bytes(data)
        if mode == "progress" and time.monotonic() - said > 10:
            said = time.monotonic()
            kinds_so_far = ", ".join(f"{times} × {kind}" for kind, times in kinds.most_common()) or "no complaints"
            print(f"names: {pages} pages checked, {kinds_so_far}", file=sys.stderr)
    for kind, line in sorted(lines, key=lambda entry: entry[0]):
        print(line)
    for (kind, of), times in sorted(sums.items()):
        print(f"# {kind}: {of} {times}")


def results(work, mode):
    if len(work) < 3:
        start(mode)
        return map(judge, work)
    pool = multiprocessing.Pool(min(len(work), multiprocessing.cpu_count()), start, (mode,))
    return pool.imap_unordered(judge, work)


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    if sys.argv[1:2] == ["names"]:
        for name in repertoire.names(int(sys.argv[2]), int(sys.argv[3])):
            print(json.dumps(name, ensure_ascii=False))
    elif sys.argv[1:2] == ["check"]:
        check(pathlib.Path(sys.argv[2]), "".join(sys.argv[3:]))
    elif sys.argv[1:2] == ["defects"]:
        installed = readers.installed()
        for defect in known_defects():
            present = [reader for reader in defect["readers"] if reader in installed]
            print(json.dumps({"readers": present, "name": defect["example"]}, ensure_ascii=False))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
