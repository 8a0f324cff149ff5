"""A generated content as a document for Word: WordprocessingML in a zip (ECMA-376, parts 1 and 2).

Four parts are all that Word, LibreOffice and Google Docs need: the content types, the relationship to the document, the
document, and its styles. Why by hand: decision 0052.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from agenciaos_jobs.ai_content.documents.blocks import Block

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of the zip's entries, so that equal contents give equal files."""

_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow in any text."""

_TYPES = f"""{_HEAD}<Types xmlns="{_PACKAGE}/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Override PartName="/word/document.xml" ContentType="{_MAIN}.document.main+xml"/>\
<Override PartName="/word/styles.xml" ContentType="{_MAIN}.styles+xml"/></Types>"""

_RELATIONSHIPS = f"""{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>"""

_STYLES_RELATIONSHIP = f"""{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>"""


def _style(name: str, title: str, size: int, *, is_bold: bool = False, before: int = 0) -> str:
    """A paragraph style; ``size`` in half points, ``before`` in twentieths of a point."""
    bold = "<w:b/>" if is_bold else ""
    keep = "<w:keepNext/>" if is_bold else ""
    default = ' w:default="1"' if name == "Normal" else ""
    return (
        f'<w:style w:type="paragraph" w:styleId="{name}"{default}>'
        f'<w:name w:val="{title}"/><w:pPr>{keep}<w:spacing w:before="{before}" w:after="120"/></w:pPr>'
        f'<w:rPr>{bold}<w:sz w:val="{size}"/></w:rPr></w:style>'
    )


_STYLES = (
    f'{_HEAD}<w:styles xmlns:w="{_WORD}"><w:docDefaults><w:rPrDefault><w:rPr>'
    '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/><w:lang w:val="pt-BR"/>'
    "</w:rPr></w:rPrDefault></w:docDefaults>"
    + _style("Normal", "Normal", 22)
    + _style("Title", "Title", 40, is_bold=True)
    + _style("Heading1", "heading 1", 28, is_bold=True, before=240)
    + _style("Heading2", "heading 2", 24, is_bold=True, before=120)
    + "</w:styles>"
)


def docx(title: str, note: str, blocks: Iterable[Block]) -> bytes:
    """The file: a title, a line below it, and each block under its label."""
    body = _paragraph(title, "Title") + _paragraph(note) + "".join(_of(block) for block in blocks)
    document = f'{_HEAD}<w:document xmlns:w="{_WORD}"><w:body>{body}<w:sectPr/></w:body></w:document>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELATIONSHIPS),
            ("word/document.xml", document),
            ("word/_rels/document.xml.rels", _STYLES_RELATIONSHIP),
            ("word/styles.xml", _STYLES),
        ):
            package.writestr(zipfile.ZipInfo(name, _EPOCH), part, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _of(block: Block) -> str:
    return _paragraph(block.label, f"Heading{min(len(block.path), 2)}") + "".join(_inside(block))


def _inside(block: Block) -> Iterator[str]:
    """The paragraphs below a block's label. Items of a list that are single values are numbered lines."""
    if block.parts is None:
        yield from (_paragraph(text) for text in _text(block.value).split("\n\n"))
    elif block.is_row:
        yield _paragraph(block.separator.join(block.texts))
    else:
        for part in block.parts:
            is_item = part.parts is None and isinstance(part.path[-1], int)
            yield _paragraph(f"{part.label}. {_text(part.value)}") if is_item else _of(part)


def _text(value: object) -> str:
    if value is None:
        return ""
    return {True: "sim", False: "não"}[value] if isinstance(value, bool) else str(value)


def _paragraph(text: str, style: str = "Normal") -> str:
    """A paragraph; a single line break stays one."""
    lines = (escape(_NOT_XML.sub("", line)) for line in text.replace("\r\n", "\n").split("\n"))
    runs = "<w:br/>".join(f'<w:t xml:space="preserve">{line}</w:t>' for line in lines)
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r>{runs}</w:r></w:p>'
