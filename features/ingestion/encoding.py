"""What the bytes of a text file stand for: files of any encoding, as DuckDB can read them.

An encoding that is not named is UTF-8 where the whole file is, UTF-16 where its mark says so, and
otherwise Windows-1252. Bytes that are undefined in it are refused: two ids that differ in them
would become one. All passes over a file take it block by block.
"""

import codecs
import contextlib
import gzip
import io
import re
import tempfile
import weakref
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from features.errors import SourceError
from features.ingestion.relation import unreadable

#: What a file is read as that is not UTF-8, where nothing says what it is.
ASSUMED = "cp1252"
_BLOCK = 1 << 20
_HALF_A_WORD = 20
#: Names of encodings, in remedies.
NAMES = "utf-8, cp1250 or iso-8859-2"
#: Python's own ways to write text, of which no file of data is made.
_NO_FILES = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_BETWEEN_WORDS = re.compile(r"[\s,;|\"]")


@dataclass(frozen=True)
class Decoded:
    """A text file in an encoding that DuckDB reads.

    path: the file, or where it is `copied`, a private copy in UTF-8, which goes when this goes.
    assumed: a word of it, as it was read, where its encoding was taken for granted.
    """

    path: Path
    encoding: str
    copied: bool = False
    assumed: str | None = None

    def __post_init__(self) -> None:
        if self.copied:
            weakref.finalize(self, self.path.unlink, missing_ok=True)


def known(name: str) -> bool:
    """Whether a name is that of an encoding of texts.

    >>> known("cp1250"), known("Shift_JIS"), known("hex"), known("cp1250x")
    (True, True, False, False)
    """
    try:
        "a".encode(name)  # unlike `codecs.lookup` it refuses codecs of bytes
        return codecs.lookup(name).name not in _NO_FILES
    except (LookupError, ValueError):
        return False


def decoded(path: Path, url: str, named: str | None) -> Decoded:
    """A text file as DuckDB can read it; `named` is what is said of its encoding.

    Raises SourceError where bytes are undefined in it, and where the file cannot be read.
    """
    coding = codecs.lookup(named or _found(path, url)).name
    if named is None and coding != ASSUMED:
        return Decoded(path, coding)
    if coding == "utf-8":
        for _ in _texts(path, url, coding, named):
            pass
        return Decoded(path, coding)
    words: list[str] = []

    def texts() -> Iterator[str]:
        for text in _texts(path, url, coding, named):
            if named is None and not words and (word := _word(text)):
                words.append(word)
            yield text

    copy = _copy(texts())
    return Decoded(copy, "utf-8", copied=True, assumed=words[0] if words else None)


def lines_alike(text: Decoded, url: str) -> Decoded:
    """A copy whose lines all end in one way, and which begins with its first line.

    Raises SourceError where the file cannot be read.
    """
    with io.TextIOWrapper(opened(text.path), _without_mark(text.encoding)) as lines:

        def texts() -> Iterator[str]:
            first = True
            while block := lines.read(_BLOCK):
                block = block.lstrip("\n") if first else block
                first = first and not block
                yield block

        try:
            copy = _copy(texts())
        except (OSError, UnicodeError) as error:
            raise unreadable(url, error) from error
    return Decoded(copy, "utf-8", copied=True, assumed=text.assumed)


def _without_mark(coding: str) -> str:
    return "utf-8-sig" if coding == "utf-8" else coding


def _copy(texts: Iterable[str]) -> Path:
    """A private file with these texts, in UTF-8; removed where they cannot be had."""
    handle, name = tempfile.mkstemp(suffix=".csv")
    try:
        with open(handle, "wb") as copy:
            for text in texts:
                copy.write(text.encode())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _word(text: str) -> str | None:
    """The first word with a sign beyond ASCII, not much longer than what tells it."""
    found = _BEYOND_ASCII.search(text)
    if found is None:
        return None
    at = found.start()
    before = _BETWEEN_WORDS.split(text[max(0, at - _HALF_A_WORD) : at])[-1]
    after = _BETWEEN_WORDS.split(text[at + 1 : at + _HALF_A_WORD])[0]
    return before + text[at] + after


def _found(path: Path, url: str) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for i, block in enumerate(blocks(path, url)):
            if i == 0 and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return ASSUMED
    return "utf-8"


def _texts(path: Path, url: str, coding: str, named: str | None) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(coding)()
    line = 1
    for block in _ended(blocks(path, url)):
        before = decoder.getstate()
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            decoder.setstate(before)
            raise _undefined(url, line + _lines(decoder, block), error, named) from error
        line += text.count("\n")
        yield text


def _ended(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield b""


def _lines(decoder: codecs.IncrementalDecoder, block: bytes) -> int:
    """How many lines end in a block before the bytes that stop the decoder."""
    count = 0
    with contextlib.suppress(UnicodeError):
        for i in range(len(block)):
            count += decoder.decode(block[i : i + 1]).count("\n")
    return count


def _undefined(url: str, line: int, error: UnicodeError, named: str | None) -> SourceError:
    what = str(error)
    if isinstance(error, UnicodeDecodeError):
        what = f"bytes {error.object[error.start : error.end].hex(' ').upper()}"
    if named is not None:
        return SourceError(
            "A source holds only what is defined in the encoding that is named for it.",
            f"{url}, line {line}: {what} in {named}",
            "name the encoding that it was written in, or save it as UTF-8",
        )
    return SourceError(
        "The encoding of a source that is neither UTF-8 nor Windows-1252 must be named.",
        f"{url}, line {line}: {what}",
        'write for instance encoding = "cp1250" beside its url (for `coterie init`: --encoding '
        "cp1250), or save it as UTF-8",
    )


def blocks(path: Path, url: str) -> Iterator[bytes]:
    """The bytes of a file, unzipped; SourceError where they cannot be read."""
    try:
        with opened(path) as file:
            while block := file.read(_BLOCK):
                yield block
    except (OSError, EOFError, zlib.error) as error:  # a broken .gz
        raise unreadable(url, error) from error


def opened(path: Path) -> IO[bytes]:
    """A file to be read, unzipped where its name ends with .gz."""
    zipped = path.suffix.lower() == ".gz"
    return cast(IO[bytes], gzip.open(path) if zipped else path.open("rb"))
