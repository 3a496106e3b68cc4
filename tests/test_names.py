"""Spellings of one name lie near each other, names that only look alike do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passage_index.names import apart, keys, plain

SAME = """
Izium Izyum, Izium Ізюм, Izyum Изюм, Izium Ізюмі, Izyum Изюме, Kyiv Kiev, Kyiv Київ, Kiev Киев, Kyiv Києва,
Kharkiv Kharkov, Kharkiv Харків, Kharkov Харькова, Lviv Lvov, Lviv Львові, Odesa Odessa, Odesa Одеси,
Luhansk Lugansk, Luhansk Луганськ, Zaporizhzhia Zaporizhia, Zaporizhzhia Zaporozhye, Zaporizhzhya Запоріжжя,
Chernihiv Chernigov, Chernihiv Чернігова, Bakhmut Bahmut, Dnipro Дніпра, Mykolaiv Миколаїв, Kupiansk Kupyansk,
Kupiansk Куп’янськ, Horlivka Gorlovka, Hostomel Gostomel, Avdiivka Avdeevka, Debaltseve Debaltsevo,
Sievierodonetsk Severodonetsk, Sievierodonetsk Сєвєродонецьк, Donetsk Doneck, Zhytomyr Jitomir,
Vinnytsia Vinnycja, Vinnytsia Вінниці, Cherkasy Čerkasy, Mariupol Marioupol, Chernobyl Chornobyl,
Zelensky Zelenskyy, Zelenskyi Zelenskiy, Zelensky Зеленського, Volodymyr Wolodymyr, Volodymyr Володимира,
Oleksandr Aleksandr, Aleksandr Alexander, Serhiy Sergei, Serhii Sergey, Andriy Andrei, Andrii Andrey,
Yevhen Ievhen, Yevgeny Evgeny, Yuri Iurii, Yuri Jurij, Dmytro Dmitry, Oleh Oleg, Ihor Igor, Bohdan Bogdan,
Hryhoriy Grigory, Navalny Навального, Putin Путіну, Yeltsin Eltsin, Gorbachev Gorbachov, Khrushchev Khruschev,
Tchaikovsky Chaikovsky, Muhammad Mohammed, Mohammed Mohamed, Gaddafi Qaddafi, Gaddafi Kadafi,
Gadhafi Qadhafi, Hussein Husayn, Hossein Hussain, al-Sisi el-Sisi, al-Assad Assad, Osama Usama, Omar Umar,
Ahmed Ahmad, Abdullah Abdulla, Mahmood Mahmud, Mustafa Mostafa, Ibrahim Ebrahim, Qatar Katar, Iraq Irak,
Quran Koran, Aziz Azeez, Phillip Filip, Stephen Stefan, Christina Kristina, Carl Karl, Djibouti Jibouti,
Azerbaijan Azerbaidzhan, Poroshenko Порошенка
"""
OTHER = """
Iran Iraq, Austria Australia, Kiev Kew, Kyiv Kiva, Marion Marian, Maria Mario, Gary Harry, Georgia George,
Hamas Hamza, Khamenei Khomeini, Hassan Hussein, Hamid Hamad, Ivan Evan, Paris Perez, Peru Pierre,
Slovakia Slovenia, Niger Nigeria, Guinea Guyana, Mali Malawi, Chad Chile, Roberto Roberta, Christina Christian,
Julian Juliana, Marco Marc, Helen Elena, Marina Maria, Martin Morton, Logan Lohan, Gordon Cordon,
Gunter Hunter, Gilbert Hilbert, Carter Garter, Carter Qatar, Dallas Dulles, Boston Bolton, Milan Miller,
Berlin Merlin, Tokyo Togo, Cuba Kobe, Donetsk Dnipro, Poland Holland, Moscow Mosul, Vladimir Volodymyr,
Kherson Kharkiv, Sumy Sami, Odesa Edessa, Putin Patten, Biden Baden, Warsaw Warwick, Johnson Jansen,
Anna Hanna, Karl Carol, Jordan Jordon, Ramadan Ramadi, Tunis Tunisia, Macron Marcon, Nepal Naples,
Kabul Kobul, Crimea Crimes, Baltic Balkan, Bosnia Boston, Hama Homs, Lima Lama, Gaza Giza, Basra Busra,
Oman Amman, Bent Beneath, Halo Hello, Dill Dell, Crest Cruise, Mykola Nikolai
"""


def pairs(text: str) -> list[tuple[str, str]]:
    return [(one, other) for one, other in (pair.split() for pair in text.split(","))]


@pytest.mark.parametrize(("one", "other"), pairs(SAME))
def test_spellings_of_one_name_have_a_key_in_common_and_lie_near(one: str, other: str) -> None:
    assert keys(one) & keys(other)
    assert apart(one, other) is not None


@pytest.mark.parametrize(("one", "other"), pairs(OTHER))
def test_different_names_lie_apart(one: str, other: str) -> None:
    assert apart(one, other) is None


def test_there_are_enough_pairs_to_mean_something() -> None:
    assert len(set(pairs(SAME))) >= 80 and len(set(pairs(OTHER))) >= 60


def test_the_nearer_spelling_has_the_smaller_distance() -> None:
    assert apart("Izium", "Izyum") == 0.0
    zelensky, other = apart("Zelensky", "Zelenskyy"), apart("Muhammad", "Mohammed")
    assert zelensky is not None and other is not None and 0 < zelensky < other


@pytest.mark.parametrize("word", ["Ivy", "Kew", "ЗСУ", "", "…", "東京都庁", "12345"])
def test_short_words_and_what_has_no_consonants_have_no_key(word: str) -> None:
    assert keys(word) == frozenset() and apart(word, word) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Málaga", "malaga"),
        ("ŁÓDŹ", "lodz"),
        ("Straße", "strasse"),
        ("Ма\u0301рта Й", "ма\u0301рта й"),
        ("O’Neil", "o’neil"),
    ],
)
def test_plain_text_is_small_and_without_accents(text: str, expected: str) -> None:
    assert plain(text) == expected


WORDS = st.text("abcdeghijklmnoprstuvxyzčšáабвгдежзийкостцщьяіїє’", min_size=1, max_size=14)


@given(WORDS, WORDS)
def test_distance_knows_no_order(one: str, other: str) -> None:
    assert apart(one, other) == apart(other, one)


@given(WORDS)
def test_a_word_is_its_own_spelling_in_capitals_too(word: str) -> None:
    assert apart(word, word) in (0.0, None) and apart(word, word.upper()) == apart(word, word)
    assert bool(keys(word)) == (apart(word, word) == 0.0)


@given(st.text(max_size=30))
def test_any_text_has_keys_and_a_plain_form(text: str) -> None:
    assert all(key for key in keys(text))
    assert plain(plain(text)) == plain(text)
