"""The reference page by ReportLab, tuned: fonts and background are read once, the code is one path, no ASCII85."""

import io
import sys

from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

import page

rl_config.useA85 = 0
background = ImageReader(sys.argv[2])
for name, file in page.FONTS.items():
    pdfmetrics.registerFont(TTFont(name, f"{sys.argv[3]}/{file}"))
colours = {colour: HexColor(colour) for colour in ("#8a6420", "#16304d", "#434c57")}


def draw(person):
    file = io.BytesIO()
    sheet = canvas.Canvas(file, pagesize=(page.WIDTH * mm, page.HEIGHT * mm), pageCompression=1)
    sheet.setTitle(f"{person['award']} – {person['name']}")
    sheet.setAuthor(person["client"])
    sheet.drawImage(background, 0, 0, page.WIDTH * mm, page.HEIGHT * mm)

    def centred(left, top, width, size, font, colour, text):
        sheet.setFont(font, size)
        sheet.setFillColor(colours[colour])
        # The baseline is three quarters of the size below the top of the line.
        sheet.drawCentredString((left + width / 2) * mm, (page.HEIGHT - top) * mm - size * 0.75, text.format(**person))

    for top, size, font, colour, text in page.LINES:
        centred(0, top, page.WIDTH, size, font, colour, text)
    for left, top, width, size, font, text in page.FOOT:
        centred(left, top, width, size, font, "#434c57", text)
    sheet.setStrokeColor(colours["#8a6420"])
    sheet.setLineWidth(0.6)
    for left, top, width in page.RULES:
        sheet.line(left * mm, (page.HEIGHT - top) * mm, (left + width) * mm, (page.HEIGHT - top) * mm)
    left, top, side = page.QR
    count, runs = page.dark_runs(person["url"])
    module = side * mm / count
    path = sheet.beginPath()
    for x, y, length in runs:
        path.rect(left * mm + x * module, (page.HEIGHT - top) * mm - (y + 1) * module, length * module, module)
    sheet.setFillColorRGB(0, 0, 0)
    sheet.drawPath(path, stroke=0, fill=1)
    sheet.showPage()
    sheet.save()
    return file.getvalue()


page.main(draw)
