"""Does a passage speak to a language model instead of to a reader? A short list of rules, to be read.

What is found is not given to the model. It is a sieve, not a proof: an instruction in other words or in
a language without rules passes, and an article about such instructions is kept out. What protects is the
check of what the model writes. text -> bool
"""

import re
import unicodedata

from passage_index.types import StoredPassage

_ALL = r"(?:\w+ ){0,4}"

_MODEL = r"(?:ai|llm|chatgpt|gpt|claude|gemini|chatbot|assistant|(?:large )?language model)s?"

RULES = {
    "set instructions aside": r"\b(?:ignore|disregard|forget|override|bypass|skip) "
    + _ALL
    + r"(?:previous|prior|above|earlier|preceding|all|any|your|these|other|existing) "
    + _ALL
    + r"(?:instruction|prompt|rule|direction|guideline|command|constraint|context)s?\b",
    "the same in Ukrainian and Russian": r"\b(?:(?:про)?ігноруй(?:те)?|(?:про)?игнорируй(?:те)?|забудь(?:те)?"
    r"|не зважай(?:те)?) " + _ALL + r"(?:інструкці|вказівк|правил|инструкци|указани|команд)",
    "the system's own words": r"\b(?:system|developer) (?:prompt|message|instruction)s?\b"
    r"|\b(?:hidden|initial) prompts?\b"
    r"|\bсистемн\w{1,4} (?:промпт|повідомленн|сообщени|інструкці|инструкци)",
    "a role": r"(?:^|[\n.!?\"“»] ?)(?:system|assistant) ?:"
    r"|<\|[\w ]{1,40}\|>|\[/?inst\]|<</?sys>>|## ?(?:system|instructions?|assistant|response)\b"
    r"|</?(?:system|assistant|instruction|prompt|passage|tool_call|tool|function)s?>|<{3,}",
    "spoken to a model": r"\bas an? (?:ai|llm|chatbot|(?:ai |large )?language model),"
    r"|\byou are (?:now )?(?:an? |the )?" + _MODEL + r"\b"
    r"|\b(?:dear|attention|note to|message to|message for|instructions? (?:to|for)|if you are) ?,? "
    r"(?:all |any |every |the |an? )?(?:ai |large )?" + _MODEL + r"\b",
    "what to write": r"\b(?:respond|reply|output|answer) (?:only )?with "
    r"(?:the (?:exact )?(?:word|phrase|sentence|text|following)|exactly|nothing but)\b"
    r"|\b(?:do not|don't|never) (?:cite|give citations)\b(?! (?:evidence|sources?|reasons?))"
    r"|\bcite nothing\b|\brepeat after me\b"
    r"|\byour (?:next )?(?:answer|response|output|reply) (?:must|should|will)\b",
    "asks for secrets": r"\b(?:print|reveal|show|output|repeat|leak|tell me|send) "
    + _ALL
    + r"(?:system prompt|api[ -]?key|secret key|your (?:instructions|prompt|key|rules|configuration))\b",
    "signs that nobody sees": r"[\U000e0000-\U000e007f]{8}",
}

_RULES = [re.compile(rule, re.MULTILINE) for rule in RULES.values()]
_HIDDEN = re.compile(r"[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_BLANKS = re.compile(r"[^\S\n]+")


def addresses_model(passage: StoredPassage) -> bool:
    """Whether the text, title or source of a passage meets one of the rules."""
    article = passage.article
    return any(_is_met(said) for said in (passage.text, article.title, article.source or ""))


def _is_met(text: str) -> bool:
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", text)).casefold().replace("’", "'")
    lines = _BLANKS.sub(" ", plain)
    one_line = lines.replace("\n", " ")
    return any(rule.search(lines) or rule.search(one_line) for rule in _RULES)
