"""Writes people.xls: `pip install xlwt==1.3.0`, then `python people_xls.py people.xls`."""

import datetime
import sys

import xlwt

book = xlwt.Workbook(encoding="utf-8")
book.add_sheet("Cover").write(0, 0, "Course of 2026")
sheet = book.add_sheet("Personas")
for column, header in enumerate(["Nombre completo", "Correo electrónico", "Número documento"]):
    sheet.write(0, column, header)
eight_digits = xlwt.easyxf(num_format_str="00000000")
day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
people = [
    ("José Muñoz", "jose@example.com", 12345, eight_digits),
    ("Łucja Źrebiec", "lucja@example.com", datetime.date(2025, 10, 13), day),
    ("Ada Lovelace", "ada@example.com", 12345678901, None),
    ("Nguyễn Thị Ánh", "anh@example.com", "007", None),
    ("Grace Hopper", None, 5, None),
]
for row, (name, address, document, style) in enumerate(people, start=1):
    sheet.write(row, 0, name)
    if address:
        sheet.write(row, 1, address)
    else:
        sheet.row(row).set_cell_error(1, 0x2A)
    sheet.write(row, 2, document, style or xlwt.Style.default_style)
book.save(sys.argv[1])
