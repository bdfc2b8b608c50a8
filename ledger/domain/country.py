"""Countries and territories: the ISO 3166-1 alpha-2 codes, and those since withdrawn (ISO 3166-3) with their last year.

Codes and short English names are facts of ISO 3166, restated; a check against another transcription of the standard
is `tests/domain/test_country.py`. Hong Kong (HK), Macau (MO) and Taiwan (TW) have codes of their own; which law counts
them with which country is for a jurisdiction's plugin to say.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

__all__ = ["COUNTRIES", "WITHDRAWN", "check_country", "country_name"]

_NAMES: Final = """
AD Andorra
AE United Arab Emirates
AF Afghanistan
AG Antigua and Barbuda
AI Anguilla
AL Albania
AM Armenia
AO Angola
AQ Antarctica
AR Argentina
AS American Samoa
AT Austria
AU Australia
AW Aruba
AX Åland Islands
AZ Azerbaijan
BA Bosnia and Herzegovina
BB Barbados
BD Bangladesh
BE Belgium
BF Burkina Faso
BG Bulgaria
BH Bahrain
BI Burundi
BJ Benin
BL Saint Barthélemy
BM Bermuda
BN Brunei
BO Bolivia
BQ Bonaire, Sint Eustatius and Saba
BR Brazil
BS Bahamas
BT Bhutan
BV Bouvet Island
BW Botswana
BY Belarus
BZ Belize
CA Canada
CC Cocos (Keeling) Islands
CD DR Congo
CF Central African Republic
CG Congo
CH Switzerland
CI Côte d'Ivoire
CK Cook Islands
CL Chile
CM Cameroon
CN China
CO Colombia
CR Costa Rica
CU Cuba
CV Cabo Verde
CW Curaçao
CX Christmas Island
CY Cyprus
CZ Czechia
DE Germany
DJ Djibouti
DK Denmark
DM Dominica
DO Dominican Republic
DZ Algeria
EC Ecuador
EE Estonia
EG Egypt
EH Western Sahara
ER Eritrea
ES Spain
ET Ethiopia
FI Finland
FJ Fiji
FK Falkland Islands
FM Micronesia
FO Faroe Islands
FR France
GA Gabon
GB United Kingdom
GD Grenada
GE Georgia
GF French Guiana
GG Guernsey
GH Ghana
GI Gibraltar
GL Greenland
GM Gambia
GN Guinea
GP Guadeloupe
GQ Equatorial Guinea
GR Greece
GS South Georgia and the South Sandwich Islands
GT Guatemala
GU Guam
GW Guinea-Bissau
GY Guyana
HK Hong Kong
HM Heard Island and McDonald Islands
HN Honduras
HR Croatia
HT Haiti
HU Hungary
ID Indonesia
IE Ireland
IL Israel
IM Isle of Man
IN India
IO British Indian Ocean Territory
IQ Iraq
IR Iran
IS Iceland
IT Italy
JE Jersey
JM Jamaica
JO Jordan
JP Japan
KE Kenya
KG Kyrgyzstan
KH Cambodia
KI Kiribati
KM Comoros
KN Saint Kitts and Nevis
KP North Korea
KR South Korea
KW Kuwait
KY Cayman Islands
KZ Kazakhstan
LA Laos
LB Lebanon
LC Saint Lucia
LI Liechtenstein
LK Sri Lanka
LR Liberia
LS Lesotho
LT Lithuania
LU Luxembourg
LV Latvia
LY Libya
MA Morocco
MC Monaco
MD Moldova
ME Montenegro
MF Saint Martin (FR)
MG Madagascar
MH Marshall Islands
MK North Macedonia
ML Mali
MM Myanmar
MN Mongolia
MO Macau
MP Northern Mariana Islands
MQ Martinique
MR Mauritania
MS Montserrat
MT Malta
MU Mauritius
MV Maldives
MW Malawi
MX Mexico
MY Malaysia
MZ Mozambique
NA Namibia
NC New Caledonia
NE Niger
NF Norfolk Island
NG Nigeria
NI Nicaragua
NL Netherlands
NO Norway
NP Nepal
NR Nauru
NU Niue
NZ New Zealand
OM Oman
PA Panama
PE Peru
PF French Polynesia
PG Papua New Guinea
PH Philippines
PK Pakistan
PL Poland
PM Saint Pierre and Miquelon
PN Pitcairn
PR Puerto Rico
PS Palestine
PT Portugal
PW Palau
PY Paraguay
QA Qatar
RE Réunion
RO Romania
RS Serbia
RU Russia
RW Rwanda
SA Saudi Arabia
SB Solomon Islands
SC Seychelles
SD Sudan
SE Sweden
SG Singapore
SH Saint Helena
SI Slovenia
SJ Svalbard and Jan Mayen
SK Slovakia
SL Sierra Leone
SM San Marino
SN Senegal
SO Somalia
SR Suriname
SS South Sudan
ST Sao Tome and Principe
SV El Salvador
SX Sint Maarten (NL)
SY Syria
SZ Eswatini
TC Turks and Caicos Islands
TD Chad
TF French Southern Territories
TG Togo
TH Thailand
TJ Tajikistan
TK Tokelau
TL Timor-Leste
TM Turkmenistan
TN Tunisia
TO Tonga
TR Turkey
TT Trinidad and Tobago
TV Tuvalu
TW Taiwan
TZ Tanzania
UA Ukraine
UG Uganda
UM United States Minor Outlying Islands
US United States
UY Uruguay
UZ Uzbekistan
VA Holy See
VC Saint Vincent and the Grenadines
VE Venezuela
VG Virgin Islands (GB)
VI Virgin Islands (US)
VN Vietnam
VU Vanuatu
WF Wallis and Futuna
WS Samoa
YE Yemen
YT Mayotte
ZA South Africa
ZM Zambia
ZW Zimbabwe
"""
COUNTRIES: Final[dict[str, str]] = {line[:2]: line[3:] for line in _NAMES.strip().splitlines()}

WITHDRAWN: Final[dict[str, tuple[str, int]]] = {
    "AN": ("Netherlands Antilles", 2010),
    "BU": ("Burma", 1989),
    "CS": ("Serbia and Montenegro", 2006),
    "DD": ("German Democratic Republic", 1990),
    "SU": ("USSR", 1992),
    "TP": ("East Timor", 2002),
    "YD": ("Democratic Yemen", 1990),
    "YU": ("Yugoslavia", 2003),
    "ZR": ("Zaire", 1997),
}

_HABITS: Final = {"UK": "GB", "EL": "GR", "UAE": "AE", "USA": "US", "PRC": "CN", "ROC": "TW"}


def country_name(code: str) -> str:
    """The short English name of a code; a withdrawn one says since when, an unknown one is returned as it stands."""
    if code in WITHDRAWN:
        name, year = WITHDRAWN[code]
        return f"{name} (withdrawn {year})"
    return COUNTRIES.get(code, code)


def check_country(code: str) -> str:
    """`code` itself where ISO 3166 has, or had, it; ValueError with the nearest one otherwise."""
    if code in COUNTRIES or code in WITHDRAWN:
        return code
    meant = _HABITS.get(code.upper()) or (code.upper() if code.upper() in COUNTRIES else None)
    if meant is None and len(code) <= 80:
        by_name = {name.lower(): key for key, name in COUNTRIES.items()}
        near = get_close_matches(code.lower(), by_name, n=1)
        meant = by_name[near[0]] if near else None
    advice = f"; did you mean {meant} ({COUNTRIES[meant]})?" if meant else ""
    raise ValueError(f"{code[:40]!r} is not an ISO 3166-1 alpha-2 country code{advice}")
