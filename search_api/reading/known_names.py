"""Names and nouns that tell a person, a place and an organisation apart. Lower case; each list once.

Far from whole, and not meant to be: a name that is in no list is judged by the words around it.
"""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _lines(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.replace("\n", ",").split(",") if name.strip())


MALE_NAMES = _words(
    """
    aaron adam adrian ahmed alan albert alexander alexei andreas andrei andrew andriy anthony anton
    antonio arthur barack ben benjamin bernard bill bob boris brian bruce carl carlos charles charlie
    christian christopher claude colin craig daniel david denis dennis diego dmitri dmitry dmytro donald
    douglas edward emmanuel eric erik ernest eugene evgeny felix fernando francis francisco frank fred
    frederick gabriel gary gavin george gerald giovanni gordon graham greg gregory hans harold harry
    hassan henry howard hugh hugo hussein ian ibrahim igor ihor isaac ivan jack jacob jacques james jason
    jeff jeffrey jeremy jim joe johann john jonathan jorge jose joseph joshua juan julian karl keith
    kenneth kevin kyle larry laurence leo leon leonard lewis louis luis luke marc marco mario mark martin
    matthew maurice max maxim michael michel miguel mike mikhail mohamed mohammed muhammad mustafa
    mykhailo mykola nathan neil nicholas nick nikita nikolai noah oleg oleh oleksandr oleksiy oliver omar
    oscar otto pablo patrick paul pavel pavlo pedro peter petro philip pierre ralph ravi raymond ricardo
    richard rishi rob robert roberto roger roland roman ron ronald roy russell ryan samuel scott sean
    serge sergei sergey serhii serhiy simon stanley stefan stephen steve steven stuart taras ted thomas
    tim timothy tom tony tyler valentin valery vasyl victor viktor vincent vitali vitaliy vladimir
    volodymyr walter warren wayne wilhelm william xavier yevhen yuri yuriy yusuf
    """
)
FEMALE_NAMES = _words(
    """
    alexandra alice alison amanda amy ana anastasia andrea angela anita ann anna anne barbara carol
    caroline catherine charlotte christina christine claire clara daria deborah diana dorothy elena
    elizabeth ellen emily emma eva fatima grace hannah heather helen hillary irina isabel jane janet
    jennifer jessica jill joan judith julia julie karen kate katherine kathleen laura lauren linda lisa
    louise lucy lyudmila margaret maria marie marina martha mary melissa michelle nancy natalia nicole
    nina oksana olena olga olivia pamela patricia rachel rebecca rosa rose ruth samantha sandra sara sarah
    sharon sofia sophie stephanie susan svetlana theresa ursula veronica victoria viktoria virginia wendy
    yulia zoe
    """
)
FIRST_NAMES = (
    MALE_NAMES
    | FEMALE_NAMES
    | _words("alex ali chris jackson jan jean kelly kim lee nicola robin sam taylor terry will")
)
COUNTRIES = _lines(
    """
    afghanistan, albania, algeria, angola, argentina, armenia, australia, austria, azerbaijan, bahrain,
    bangladesh, belarus, belgium, benin, bolivia, bosnia, botswana, brazil, britain, bulgaria, burma,
    cambodia, cameroon, canada, chad, chile, china, colombia, congo, costa rica, croatia, cuba, cyprus,
    czechia, czech republic, denmark, ecuador, egypt, england, eritrea, estonia, ethiopia, fiji, finland,
    france, gabon, gambia, georgia, germany, ghana, greece, greenland, guatemala, guinea, haiti, honduras,
    hungary, iceland, india, indonesia, iran, iraq, ireland, israel, italy, jamaica, japan, jordan,
    kazakhstan, kenya, kosovo, kuwait, kyrgyzstan, laos, latvia, lebanon, liberia, libya, lithuania,
    luxembourg, macedonia, madagascar, malawi, malaysia, mali, malta, mexico, moldova, mongolia,
    montenegro, morocco, mozambique, myanmar, namibia, nepal, netherlands, new zealand, nicaragua, niger,
    nigeria, north korea, northern ireland, norway, oman, pakistan, palestine, panama, paraguay, peru,
    philippines, poland, portugal, qatar, romania, russia, rwanda, saudi arabia, scotland, senegal,
    serbia, singapore, slovakia, slovenia, somalia, south africa, south korea, south sudan, soviet union,
    spain, sri lanka, sudan, sweden, switzerland, syria, taiwan, tajikistan, tanzania, thailand, tunisia,
    turkey, turkmenistan, uganda, ukraine, united arab emirates, united kingdom, united states, uruguay,
    us, usa, u.s., u.k., uk, ussr, uzbekistan, venezuela, vietnam, wales, yemen, yugoslavia, zambia,
    zimbabwe, africa, antarctica, asia, europe, north america, south america, latin america, middle east,
    alabama, alaska, arizona, arkansas, california, colorado, connecticut, delaware, florida, hawaii,
    idaho, illinois, indiana, iowa, kansas, kentucky, louisiana, maine, maryland, massachusetts, michigan,
    minnesota, mississippi, missouri, montana, nebraska, nevada, new hampshire, new jersey, new mexico,
    new york, north carolina, north dakota, ohio, oklahoma, oregon, pennsylvania, rhode island, south
    carolina, south dakota, tennessee, texas, utah, vermont, west virginia, wisconsin, wyoming, crimea,
    bavaria, siberia, amsterdam, athens, baghdad, bangkok, barcelona, beijing, beirut, belfast, berlin,
    boston, brussels, budapest, cairo, chicago, copenhagen, damascus, delhi, detroit, donetsk, dublin,
    edinburgh, gaza, geneva, hamburg, havana, helsinki, hong kong, houston, istanbul, jakarta, jerusalem,
    kabul, kharkiv, kherson, kiev, kyiv, lisbon, liverpool, london, los angeles, luhansk, lviv, madrid,
    manchester, manila, mariupol, melbourne, miami, milan, minsk, montreal, moscow, mumbai, munich,
    nairobi, odesa, odessa, oslo, paris, philadelphia, prague, riga, rome, san francisco, seattle, seoul,
    shanghai, stockholm, sydney, tehran, tel aviv, tokyo, toronto, vienna, vilnius, warsaw, washington,
    zaporizhzhia, zurich
    """
)
TITLES = _words(
    """
    mr mrs ms miss dr prof professor president vice-president premier minister chancellor king queen
    prince princess emperor empress tsar sultan duke duchess earl count countess sir lord lady dame baron
    gov governor sen senator rep representative congressman congresswoman gen general lt lieutenant col
    colonel maj major capt captain sgt sergeant cmdr commander adm admiral marshal mayor judge justice
    pope bishop archbishop cardinal rev reverend father sister saint st rabbi imam sheikh ayatollah coach
    manager secretary chief director chairman chairwoman chair ceo founder spokesman spokeswoman
    spokesperson analyst economist scientist detective inspector officer sheriff prosecutor attorney
    lawyer actor actress singer author writer poet painter composer director architect historian
    philosopher journalist reporter striker midfielder defender goalkeeper pitcher quarterback driver
    farmer teacher doctor nurse leader deputy ambassador envoy resident son daughter brother husband wife
    mother uncle aunt nephew niece activist musician guitarist drummer rapper
    """
)
ORGANISATION_WORDS = _words(
    """
    academy administration agency airlines airways alliance armed army assembly association authority bank
    board brigade broadcasting bureau cabinet center centre chamber church club co college commission
    committee company conference confederation congress consortium cooperative corp corporation corps
    council court department directorate division electric energy enterprise exchange fc federation fleet
    force forces foundation front fund gazette government group guard herald holdings hospital house inc
    industries institute institution international journal labs laboratory league legion ltd ministry
    motors museum navy network news office orchestra organisation organization parliament partners party
    police post press regiment school senate service services society studio studios syndicate systems
    team telegraph theatre times treasury tribune trust union united university records rovers wanderers
    reserve taliban hamas hezbollah authorities officials airforce entertainment pictures technologies
    software band choir squad statement report study
    """
)
PLACE_WORDS = _words(
    """
    airport archipelago avenue bay beach borough bridge canal cape castle cathedral city coast county
    creek delta desert district dam east falls fort garden gardens glacier gulf harbor harbour heights
    highway hill hills island islands isle lake mount mountain mountains north oblast ocean oblasts palace
    park peninsula plain plains plateau pole port prefecture province region reservoir ridge river road
    sea shire south square stadium state station strait street territory town township valley village
    volcano west woods forest pass bank basin
    """
)
NATIONALITY_ENDINGS = (
    "ian",
    "ish",
    "ese",
    "ean",
    "iraqi",
    "israeli",
    "french",
    "dutch",
    "greek",
    "german",
    "american",
)
