"""The words that the rules of this package go by, each list once. Lower case unless it says otherwise.

Knows no rule. Names of countries and people stand in `known_names.py`.
"""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# --- time -------------------------------------------------------------------------------------------

MONTHS = "january february march april may june july august september october november december".split()
# As a day of the month is written before them: `9 листопада`, `9 ноября`.
MONTHS_UK = "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня".split()
MONTHS_RU = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
MONTH_OF = {
    name: number
    for listed in (MONTHS, MONTHS_UK, MONTHS_RU)
    for number, full in enumerate(listed, 1)
    for name in ((full, full[:3]) if listed is MONTHS else (full,))
} | {"sept": 9}

WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
WEEKDAYS_UK = "понеділок вівторок середу четвер п'ятницю суботу неділю".split()
WEEKDAYS_RU = "понедельник вторник среду четверг пятницу субботу воскресенье".split()
WEEKDAY_OF = {
    name: number for listed in (WEEKDAYS, WEEKDAYS_UK, WEEKDAYS_RU) for number, name in enumerate(listed)
} | {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4, "sat": 5, "sun": 6}

SEASON_FIRST_MONTH = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

# `Black Friday` and its like name a day of their own, or no day at all.
NAMED_WEEKDAYS = _words(
    "black good easter bloody ash super cyber palm whit shrove maundy holy giving casual sheffield ruby"
)

# --- numbers ----------------------------------------------------------------------------------------

ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
        " sixteen seventeen eighteen nineteen".split()
    )
}
TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
SCALES = {
    "hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "mln": 10**6, "bln": 10**9, "bn": 10**9, "trn": 10**12,
    "тисяча": 1_000, "тисячі": 1_000, "тисяч": 1_000, "тыс": 1_000, "тис": 1_000,
    "тысяч": 1_000, "тысячи": 1_000,
    "мільйон": 10**6, "мільйона": 10**6, "мільйони": 10**6, "мільйонів": 10**6, "млн": 10**6,
    "миллион": 10**6, "миллиона": 10**6, "миллионов": 10**6, "мільярдів": 10**9, "мільярда": 10**9,
    "миллиардов": 10**9, "миллиарда": 10**9, "млрд": 10**9,
}  # fmt: skip
VAGUE = {
    "dozens": 12, "scores": 20, "hundreds": 100, "thousands": 1_000, "millions": 10**6, "billions": 10**9,
    "десятки": 10, "сотні": 100, "сотни": 100,
}  # fmt: skip
PARTS = {
    "half": 1 / 2, "halves": 1 / 2, "third": 1 / 3, "thirds": 1 / 3, "quarter": 1 / 4, "quarters": 1 / 4,
    "fourth": 1 / 4, "fourths": 1 / 4, "fifth": 1 / 5, "fifths": 1 / 5, "sixth": 1 / 6, "sixths": 1 / 6,
    "seventh": 1 / 7, "eighth": 1 / 8, "eighths": 1 / 8, "ninth": 1 / 9, "tenth": 1 / 10, "tenths": 1 / 10,
}  # fmt: skip
ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
        " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        1,
    )
}

# --- speech -----------------------------------------------------------------------------------------

# After these (in this form) whoever stands before or behind is the one who speaks.
SPEECH = _words(
    """
    said says say warn insist contend contends contended caution saying told tells warned warns added adds
    announced announces claimed claims argued argues explained explains noted notes stated states reported
    reports insisted insists acknowledged acknowledges admitted admits confirmed confirms denied denies
    wrote writes tweeted posted declared declares testified estimated estimates predicted predicts asked
    asks replied replies responded responds recalled recalls stressed stresses emphasised emphasized
    emphasises emphasizes vowed vows pledged pledges promised promises urged urges demanded demands
    complained complains conceded concedes concluded concludes cautioned cautions alleged alleges asserted
    asserts maintained maintains remarked remarks observed revealed reveals disclosed discloses quipped
    joked shouted cried boasted countered lamented mused reiterated signalled signaled repeated continued
    hinted
    """
)
# Those that are as often something else: they count only before `that`, a colon or a quotation.
SPEECH_WITH_CLAUSE = _words(
    """
    added adds argue believe explain complain found finds showed shows suggested suggests believed
    believes believe thinks think thought knows indicated indicates implied implies feared fears hoped
    hopes wrote writes posted called described states reports notes claims demands promises complaints
    observed maintained maintains continued repeated demanded promised asked signalled signaled concluded
    reveals revealed estimates
    """
)
SPEECH_CYRILLIC = _words(
    """
    повідомив повідомила повідомили повідомляє повідомляють повідомило заявив заявила заявили заявляє
    сказав сказала сказали зазначив зазначила зазначили додав додала додали наголосив наголосила
    підкреслив підкреслила розповів розповіла розповіли пояснив пояснила попередив попередила написав
    написала уточнив уточнила відзначив відзначила каже кажуть сообщил сообщила сообщили сообщает сообщают
    сообщило заявляет сказал сказала отметил отметила отметили добавил добавила добавили подчеркнул
    подчеркнула рассказал рассказала рассказали пояснил пояснила предупредил предупредила написал написала
    уточнил уточнила заявил заявляют говорит говорят
    """
)

# --- verbs and small words --------------------------------------------------------------------------

PAST = _words(
    """
    was were had did became began broke brought built burnt bought came caught chose cost cut dealt drew
    drove fell felt fled flew fought found gave got grew heard held hit hurt kept killed knew laid led
    left lent lost made meant met paid put quit ran rang read rose said sang sank sat saw sent set shook
    shot shrank shut slept slid sold spent split spoke spread stood stole struck sued swept swore swam
    taught threw told took tore went withdrew woke won wore wrote bit blew bore bred crept dug drank ate
    forgave forgot froze hid hung hurt knelt leapt overtook rode sought sowed spun sprang stuck strove
    swung underwent understood upheld wept wound has have 'd burst bled
    """
)
FUTURE = _words("will 'll shall would could may might should must can won't")
SCHEDULED = _words("due scheduled slated expected set planned likely supposed bound")
INTENDS = _words(
    """
    plans plan planning intends intend hopes hope hoping aims aim wants want vows vowed promises promised
    pledged pledges agreed agrees expects expect going about ready prepares preparing prepare wishes
    """
)
EXPECTS = _words("expects expect wants intends hopes")
PRESENT_PLANS = _words(
    """
    begins starts opens meets returns faces votes gathers takes kicks holds ends expires closes visits
    arrives plays hosts resumes launches marks begin start meet resume gather travels departs lasts arrive
    return face visit remains concludes debuts premieres airs goes leaves heads comes reopens runs lands
    speaks appears joins tours
    """
)
DETERMINERS = _words(
    "the a an this that these those his her its their our my your some any each every another no"
)
PRONOUNS = _words("he she they it we i you")
AUXILIARIES = _words(
    """
    is are was were be been being am do does did has have had will would can could may might shall should
    must get got gets isn't aren't wasn't weren't don't doesn't didn't hasn't haven't hadn't won't can't
    cannot couldn't wouldn't shouldn't
    """
)
PREPOSITIONS = _words(
    """
    of for at in from with to on by about near under over between among across against into within during
    after before since through towards toward behind beyond around despite without inside outside upon off
    """
)
CONJUNCTIONS = _words(
    "and but or as when while because that if although though where which who whose whom whether than nor so"
)
ABBREVIATIONS = _words(
    """
    mr mrs ms dr prof gov gen sen rep lt col maj capt sgt cmdr adm rev hon st mt ft vs etc inc ltd co corp
    no jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun e.g. i.e. u.s. u.k.
    u.n. jr sr approx dept est fig vol art sec м вул ст р рр ім ул им тис тыс млн млрд гр
    """
)
# Words that begin a sentence with a capital and are no name.
OPENING_WORDS = _words(
    """
    about above according additionally after again ago all almost already also although always among and
    another any anyone are as asked at both but earlier each either else even ever every everyone
    everything few finally first following for former former further given had has have hence here how
    however i if in indeed initially instead is it its just last later least less like likewise many may
    maybe meanwhile more moreover most much neither never nevertheless new next no nobody none nonetheless
    not nothing now of often on once one only or originally other others otherwise our over perhaps quite
    rather recently second several shortly similarly since so some someone something sometimes soon still
    subsequently such than thanks that the their then there thereafter therefore these they third this
    those though three thus to today together tomorrow tonight too two typically under until up upon
    usually very was we well were what whatever when whenever where whereas wherever whether which while
    who whom whose why with within without yes yesterday yet you your
    """
)
