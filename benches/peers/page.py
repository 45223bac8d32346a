"""Content of the page of both peers: the classic theme on an issuer's background, in English."""

import json
import resource
import sys
import time

import segno

WIDTH, HEIGHT = 297, 210  # mm
QR = (233, 148, 24)  # left, top and side in mm

# top of the line, size in points, font, colour, text
LINES = [
    (28, 14, "bold", "#8a6420", "{client}"),
    (38, 46, "serif", "#16304d", "CERTIFICATE"),
    (62, 16, "italic", "#434c57", "This certificate is presented to"),
    (75, 42, "serif", "#16304d", "{name}"),
    (97, 9.5, "sans", "#434c57", "ID document  {document}"),
    (105, 14, "italic", "#434c57", "in recognition of"),
    (115, 27, "serif", "#16304d", "{award}"),
    (133, 12.5, "bold", "#434c57", "{event}"),
]
# left, top and width in mm, size, font, text
FOOT = [
    (38, 166, 56, 13, "serif", "{date}"),
    (38, 174.5, 56, 7.5, "sans", "Date of issue"),
    (112.5, 174.5, 72, 7.5, "sans", "Authorised signature"),
    (112.5, 180, 72, 10, "serif", "{client}"),
    (218, 175.5, 54, 7.5, "sans", "Scan to verify"),
    (218, 179.5, 54, 5.6, "sans", "{id}"),
]
RULES = [(121, 57.5, 23), (153, 57.5, 23), (38, 173, 56), (112.5, 173, 72)]  # left, top, width
FONTS = {
    "serif": "EBGaramond-Regular.ttf",
    "italic": "EBGaramond-Italic.ttf",
    "sans": "Montserrat-Regular.ttf",
    "bold": "Montserrat-SemiBold.ttf",
}


def dark_runs(address):
    """Returns the code's side in modules and its dark runs as (x, y, length). The fixed mask saves most time."""
    rows = segno.make(address, error="m", boost_error=False, mask=2, micro=False).matrix
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                runs.append((x, y, end - x))
            x = max(end, x + 1)
    return len(rows), runs


def main(draw):
    """Draws a page for each person of the file named on the command line, and prints CPU time, size and memory."""
    people = json.load(open(sys.argv[1], encoding="utf-8"))
    for person in people[:3]:
        draw(person)
    before = time.process_time()
    size = sum(len(draw(person)) for person in people)
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"certificates": len(people), "cpu": seconds, "bytes": size, "peak": peak}, sys.stdout)
