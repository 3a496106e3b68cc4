"""Pages, tables and transcripts gone wrong in the ways that they go wrong. Every text is invented."""

import json


def page(head: str, body: str) -> str:
    """A page around an article."""
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


P1 = (
    "The council of Lindow closed the old stone bridge over the Wend on Monday after engineers found "
    "cracks in two of its five piers."
)
P2 = (
    "Lorries must take the ferry at Marsh End until May, and drivers were told to expect a detour of "
    "nineteen kilometres in both directions."
)
P3 = (
    "The mayor, Ada Quill, said that the repair would be paid for from the flood fund, which had been set up "
    "after the high water of 2019."
)

COOKIES = page(
    '<title>Bridge closed | The Lindow Post</title><meta property="og:title" content="Bridge closed">'
    '<meta property="og:site_name" content="The Lindow Post">'
    '<meta property="article:published_time" content="2021-03-12T23:30:00-05:00">'
    '<meta property="article:modified_time" content="2021-03-15T08:00:00-05:00">',
    '<div id="cookie-banner" class="cookie-consent" role="dialog"><p>We and our 846 partners store cookies on '
    "your device to show personal advertising. You can accept or reject this at any time.</p>"
    "<button>Accept all</button></div>"
    '<header><nav><ul><li><a href="/">Home</a></li><li><a href="/s">Sport</a></li></ul></nav></header>'
    f"<main><article><h1>Bridge closed</h1><p>{P1}</p>"
    '<aside class="newsletter-signup"><p>Sign up for our newsletter and never miss a story.</p></aside>'
    f"<p>{P2}</p>"
    '<div class="related-articles"><h3>Read more</h3><ul><li><a href="/1">Ferry fares to rise</a></li>'
    '<li><a href="/2">Ten walks along the Wend</a></li></ul></div>'
    f"<p>{P3}</p>"
    '<div class="share"><a href="#">Share on Facebook</a> <a href="#">Share on X</a></div></article></main>'
    '<section id="comments" class="comments"><h2>Comments (2)</h2><p>They should have seen this coming, I have '
    "said so for years.</p></section><footer><p>© 2018 The Lindow Post. All rights reserved.</p></footer>",
)

# Tags that are never closed, nested wrongly, attributes without quotes, a comment that ends twice.
BROKEN = (
    "<html><head><title>Bridge closed</title><meta name=date content=2021-03-12></head><body><div class=story>"
    f"<h1>Bridge closed<p>{P1}<p><b>{P2[:40]}<i>{P2[40:80]}</b>{P2[80:]}</i><!-- a note -- > -->"
    f"<p>{P3}<table><tr><td>left open</div></body>"
)

QUOTES = page(
    "<title>A vote on the bridge</title>",
    f"<article><h1>A vote on the bridge</h1><p>{P1}</p>"
    "<blockquote><p>“The report says ‘at once’, and at once is what we did,” the mayor told the hall.</p>"
    "<blockquote><p>„Niemand wurde verletzt“, said the engineer, «et c’est heureux».</p></blockquote></blockquote>"
    f"<p>{P2}</p></article>",
)

TABLE = page(
    "<title>Ferry fares</title>",
    f"<article><h1>Ferry fares</h1><p>{P2}</p>"
    "<table><thead><tr><th>Vehicle</th><th>Single</th><th>Return</th></tr></thead><tbody>"
    "<tr><td>Car</td><td>4.50</td><td>8.00</td></tr><tr><td>Lorry</td><td>31.00</td><td>55.00</td></tr>"
    f"</tbody></table><p>{P3}</p></article>",
)

LIVE = page(
    '<title>Live: high water in Lindow</title><script type="application/ld+json">{"@type": "LiveBlogPosting", '
    '"headline": "Live: high water in Lindow", "datePublished": "2024-01-03T06:10:00+02:00", '
    '"coverageStartTime": "2024-01-03T06:10:00+02:00"}</script>',
    "<main><article><h1>Live: high water in Lindow</h1>"
    '<div class="post" id="p3"><time datetime="2024-01-03T11:40:00+02:00">11:40</time>'
    "<p>The Wend stands at 4.31 metres at the old bridge, the highest mark since the gauge was put up in 1931.</p></div>"
    '<div class="post" id="p2"><time datetime="2024-01-03T09:05:00+02:00">09:05</time>'
    "<p>Schools in the lower town stay shut today, the county says, and buses end at the market square.</p></div>"
    '<div class="post" id="p1"><time datetime="2024-01-03T06:10:00+02:00">06:10</time>'
    "<p>Good morning. The river rose by forty centimetres in the night and has reached the meadows at Marsh End.</p></div>"
    "</article></main>",
)

PAYWALL = page(
    '<title>Who pays for the bridge?</title><meta property="article:published_time" content="2021-03-13">'
    '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": false}</script>',
    f"<article><h1>Who pays for the bridge?</h1><p>{P1}</p>"
    '<div class="paywall"><h2>Subscribe to continue reading</h2><p>Get unlimited access for 1 € a month.</p>'
    "<a>Subscribe now</a> <a>Already a subscriber? Log in</a></div></article>",
)

RTL_TEXT = "أغلقت بلدية ليندو الجسر الحجري القديم فوق نهر ويند يوم الاثنين بعد أن وجد المهندسون شقوقا في دعامتين من دعاماته الخمس."
RTL = page(
    '<title>إغلاق الجسر</title><meta property="article:published_time" content="2021-03-12T10:00:00+03:00">',
    f'<article dir="rtl" lang="ar"><h1>إغلاق الجسر</h1><p>{RTL_TEXT}</p>'
    "<p>وقالت رئيسة البلدية آدا كويل إن الإصلاح سيستمر حتى شهر أيار، وإن العبّارة ستعمل طوال الليل لنقل الشاحنات.</p></article>",
)

SOFT = page(
    "<title>Bridge&shy;works</title>",
    "<article><h1>Bridge&shy;works</h1><p>The con&shy;struc&shy;tion com&shy;pa&shy;ny be&shy;gan its work on the "
    "Wend bridge on Tues&shy;day, and the first of the five piers was wrap&shy;ped in scaf&shy;fold&shy;ing by the "
    "evening.</p><p>" + P2.replace("ferry", "fer\u200bry") + "</p></article>",
)

DOUBLE = page(
    "<title>Fish &amp;amp; chips</title>",
    "<article><h1>Fish &amp;amp; chips</h1><p>The inn at Marsh End, &amp;quot;The Heron&amp;quot;, has served fish "
    "&amp;amp; chips since 1931, and the cook&amp;#39;s grandson means to go on for another ninety years.</p>"
    f"<p>{P2}</p></article>",
)

MIXED = (
    page(
        '<meta charset="utf-8"><title>Café am Fluß</title>',
        "<article><h1>Café am Fluß</h1><p>Das Café am Fluß hat wieder geöffnet, und die Brücke ist für Fußgänger frei; "
        "Lastwagen müssen bis Mai die Fähre nehmen, sagte die Bürgermeisterin am Montag.</p><p>ZITAT</p></article>",
    )
    .encode()
    .replace(b"ZITAT", "„Schön, daß es weitergeht“, sagte der Wirt.".encode("cp1252", "replace"))
)

MOJIBAKE = json.dumps(
    {
        "id": "m1",
        "title": "Café am Fluss",
        "text": "Das Café am Fluss hat wieder geöffnet. „Schön, dass es weitergeht“, sagte der Wirt – "
        "die Brücke bleibt bis Mai gesperrt.".encode().decode("cp1252", "replace"),
        "date": "2021-03-12",
    },
    ensure_ascii=False,
)

EXCEL = (
    "ID;Title;Text;Date;Source\r\n"
    '1;"Brücke gesperrt";"Die alte Brücke über die Wend ist seit Montag gesperrt; Ingenieure fanden Risse in zwei '
    'Pfeilern. ""Sie bleibt bis Mai zu"", sagte die Bürgermeisterin.";12.03.2021;Lindower Post\r\n'
    '2;"Fähre fährt länger";"Die Fähre in Marsh End kostet für Lastwagen nun 31 €\r\nund fährt auch nachts.";13.03.2021;Lindower Post\r\n'
)

BOM_JSON = "\ufeff" + "\n".join(
    json.dumps(row, ensure_ascii=False)
    for row in (
        {"id": "a", "text": "Midnight in Lindow.", "date": "2021-03-12T23:30:00-05:00"},
        {"id": "b", "text": "Morning in Tokyo.", "date": "2021-03-13T00:30:00+09:00"},
        {"id": "c", "text": "Noon, by the clock of the computer.", "date": 1615550400},
        {"id": "d", "text": "Noon, in thousandths.", "date": "1615550400000"},
        {"id": "e", "text": "A letter by post.", "date": "Fri, 12 Mar 2021 22:15:00 GMT"},
        {"id": "f", "text": "Nobody can say which month.", "date": "03/04/2021"},
        {"id": "g", "text": "Somebody can.", "date": "2021年3月12日"},
    )
)

TRANSCRIPT = (
    "Hearing on the Wend bridge\r\n\r\n12 March 2021\r\n\r\n"
    "[00:00:04] CHAIR: Good morning. We have one item on the list.\r\n\r\n"
    "[00:00:11] MS QUILL: Thank you, Chair.\r\n"
    "The piers were last inspected in 2014. Nobody wrote down what was found.\r\n\r\n"
    "[00:01:02] Q. And who should have?\r\n\r\n[00:01:05] A. The county.\r\n"
)

CYRILLIC = (
    "Міст через річку Венд закрито з понеділка, бо інженери знайшли тріщини у двох опорах. "
    "Вантажівки до травня їздитимуть поромом, а мешканцям радять виходити раніше."
)
