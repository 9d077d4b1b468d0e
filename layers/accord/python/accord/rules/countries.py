"""The countries that a rule may name."""

from collections.abc import Iterable

# Source: European Union, "EU countries" (27 members since 1 February 2020). Codes are ISO 3166-1,
# as addresses have them: Greece is GR, though its VAT numbers begin with EL, and Northern Ireland
# is GB, though for goods its VAT numbers begin with XI.
_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_MEMBERS.split())

# Source: ISO 3166-1 alpha-2 as in the time zone database's iso3166.tab, 2024; XK is the code in
# use for Kosovo, which ISO leaves to its users.
_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
CODES = frozenset(_CODES.split())

USUAL_SLIPS = {"UK": "GB", "EL": "GR", "XI": "GB"}
"""What is written for a country that has another code in addresses."""


def countries(codes: Iterable[str]) -> frozenset[str]:
    """``codes`` with `EU` spelled out."""
    named = frozenset(codes)
    return named - {"EU"} | EU if "EU" in named else named
