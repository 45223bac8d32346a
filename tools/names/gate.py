"""The name gate: is the name on paper the name?

usage: gate.py names COUNT SEED     prints names as JSON, one a line
       gate.py defects              prints the known defects of the readers that are installed, as JSON, one a line
       gate.py check FOLDER [MODE]  FOLDER has pages.json and pages.bin; prints a line for each complaint and for the sum;
                                    in the mode "all", known defects are complaints too; "quick" leaves poppler out

pages.json is a list of {"theme", "script", "name", "at": [offset, length] or "error"}; each theme's first page is that of
the reference name.
"""

import json
import multiprocessing
import pathlib
import re
import sys
import unicodedata
from collections import Counter

import readers
import repertoire

HERE = pathlib.Path(__file__).parent


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
    """Characters of claimed scripts that no bundled font draws: names with them are refused."""
    return {chr(int(code, 16)) for line in repertoire.data_lines("refused.txt") for code in re.findall(r"U\+([0-9A-F]+)", line)}


def check_theme(task):
    folder, pages, mode = task
    import ink

    eye, refused, defects = ink.Eye(), refusable(), [] if mode == "all" else known_defects()
    tools, frames, found, sums = readers.available(mode != "quick"), {}, [], Counter()
    with open(folder / "pages.bin", "rb") as file:
        for page in pages:
            theme, script, name = page["theme"], page["script"], page["name"]
            where = f"{theme}: {name!r}"
            if "error" in page:
                codes = re.findall(r"U\+([0-9A-F]{4,6})", page["error"])
                sums[("refused", script)] += 1
                if not codes or not {chr(int(code, 16)) for code in codes} & refused:
                    found.append(f"{where}: refused: {page['error']}")
                continue
            file.seek(page["at"][0])
            data = file.read(page["at"][1])
            texts = {reader: read(data) for reader, read in tools.items()}
            if name == readers.MARKER:
                frames = {reader: readers.Frame(text) for reader, text in texts.items()}
            sums[("drawn", script)] += 1
            wanted = unicodedata.normalize("NFC", name)
            for reader, text in texts.items():
                got = wanted if readers.MARKER == name else frames[reader].name_in(text)
                if got != wanted:
                    if is_known(defects, reader, script, wanted):
                        sums[("known defect", reader)] += 1
                    else:
                        found.append(f"{where}: {reader} extracts {got!r}")
            found.extend(f"{where}: {fault}" for fault in eye.complaints(data, theme, script, wanted))
    return found, sums


def check(folder, mode):
    pages = json.loads((folder / "pages.json").read_text(encoding="utf-8"))
    themes = list(dict.fromkeys(page["theme"] for page in pages))
    tasks = [(folder, [page for page in pages if page["theme"] == theme], mode) for theme in themes]
    if len(pages) > 500:
        with multiprocessing.Pool(min(2, len(tasks))) as pool:
            results = pool.map(check_theme, tasks, chunksize=1)
    else:
        results = map(check_theme, tasks)
    sums = Counter()
    for found, counted in results:
        sums.update(counted)
        for line in found:
            print(line)
    for (kind, of), times in sorted(sums.items()):
        print(f"# {kind}: {of} {times}")


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    if sys.argv[1:2] == ["names"]:
        for name in repertoire.names(int(sys.argv[2]), int(sys.argv[3])):
            print(json.dumps(name, ensure_ascii=False))
    elif sys.argv[1:2] == ["check"]:
        check(pathlib.Path(sys.argv[2]), "".join(sys.argv[3:]))
    elif sys.argv[1:2] == ["defects"]:
        installed = readers.available()
        for defect in known_defects():
            present = [reader for reader in defect["readers"] if reader in installed]
            print(json.dumps({"readers": present, "name": defect["example"]}, ensure_ascii=False))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
