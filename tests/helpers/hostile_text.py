"""Text that means something else to somebody who reads it."""

from __future__ import annotations

HOSTILE = (
    '*/ int system(const char *); static int x = system("id"); /*',
    '*/\n#include "/etc/passwd"\n/*',
    "??/\nint stolen;",
    "line\\\nint stolen;",
    "@TABLES@ @NETWORK@",
    "words[8]",
    "%n%s%1000000d",
    "</title><script>alert(1)</script>",
    "\" onload='alert(1)' x=\"",
    "]]>&lt;!--<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    '=HYPERLINK("http://x","click")',
    "@SUM(1+1)",
    "+1+1|' /C calc'!A0",
    "a,b;c\td\"e'f",
    "carriage\rreturn\nline",
    "| cell | [link](javascript:alert(1)) `code` |",
    "[bold red]markup[/bold red] :smile:",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "\u202egpj.exe\u2028next\u2029\u200b\ufeff",
    "../../escaped/x",
    "C:\\con\\nul.txt",
    "-rf ~ $HOME $(id) `id` ${x}",
    "\x00nul\x7f",
    "\U0001f600 日本語 né",
)
