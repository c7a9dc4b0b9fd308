"""Units of length, area, volume, speed, acceleration, time and angle, by their names in several languages."""

from __future__ import annotations

import math
import re

_LENGTHS = {
    1.0: "m mtr mtrs metre metres meter meters metern mètre mètres metro metros metri м метр метра метров "
    "米 公尺 メートル 미터",
    0.1: "dm decimetre decimetres decimeter decimeters dezimeter дм 分米",
    0.01: "cm cms centimetre centimetres centimeter centimeters zentimeter centimètre centimètres centímetro "
    "centímetros centimetro centimetri см сантиметр сантиметра сантиметров 厘米 公分 センチメートル センチ 센티미터",
    0.001: "mm mms millimetre millimetres millimeter millimeters millimètre millimètres milímetro milímetros "
    "millimetri мм миллиметр миллиметров 毫米 ミリメートル 밀리미터",
    1e-6: "μm um micrometre micrometres micrometer micrometers micron microns 微米",
    1e-9: "nanometre nanometres nanometer nanometers 纳米",
    1000.0: "km kms kilometre kilometres kilometer kilometers kilomètre kilomètres kilómetro kilómetros chilometri км "
    "километр километра километров 千米 公里 キロメートル 킬로미터",
    0.0254: "inch inches zoll pouce pouces pulgada pulgadas polegada polegadas pollici дюйм дюймов 英寸 インチ 인치",
    0.3048: "ft foot feet fuß pied pieds pie pies фут фута футов 英尺 フィート 피트",
    0.9144: "yd yds yard yards 码",
    1609.344: "mi mile miles 英里 マイル 마일",
    1852.0: "nmi nautical-mile nautical-miles 海里",
}
_TIMES = {
    1.0: "s sec secs second seconds sekunde sekunden seconde secondes segundo segundos secondo secondi с сек секунда "
    "секунды секунд 秒钟 秒鐘 秒 초",
    0.001: "ms msec msecs millisecond milliseconds millisekunden millisecondes milisegundos мс 毫秒 ミリ秒 밀리초",
    1e-6: "μs us microsecond microseconds 微秒",
    60.0: "min mins minute minutes minuten minuto minutos minuti мин минута минуты минут 分钟 分鐘 分 분",
    3600.0: "h hr hrs hour hours stunde stunden heure heures hora horas ora ore ч час часа часов 小时 小時 時間 시간",
    86400.0: "day days tag tage jour jours día días giorni 天",
}
_ANGLES = {
    1.0: "deg degs degree degrees grad degré degrés grado grados gradi grau graus градус градуса градусов 度 도",
    180 / math.pi: "rad rads radian radians radianten radianes 弧度 ラジアン 라디안",
}
_SPEEDS = {1.0: "mps", 1 / 3.6: "kph kmh kmph", 0.44704: "mph", 1852 / 3600: "knot knots kn kt kts 节"}
_SIGNS = {'"': ("length", 0.0254), "''": ("length", 0.0254), "'": ("length", 0.3048), "°": ("angle", 1.0)}


def _named(dimension: str, table: dict[float, str]) -> dict[str, tuple[str, float]]:
    return {name.replace("-", " "): (dimension, size) for size, names in table.items() for name in names.split()}


_LENGTH, _TIME, _ANGLE = _named("length", _LENGTHS), _named("time", _TIMES), _named("angle", _ANGLES)
_SIMPLE = {**_LENGTH, "in": ("length", 0.0254), **_TIME, **_ANGLE, **_named("speed", _SPEEDS), **_SIGNS}


def _any_of(names: dict[str, tuple[str, float]]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name not in {*_SIGNS, "in"})


_POWER = r"\^?[23](?!\d)|\s+(?:squared|cubed)"
_RATE = r"\s*(?:/|\bper\b|\ban?\b|\bpro\b|\bpar\b|\bpor\b|每|\*?\s*(?=\w+\^-1))\s*"
_LENGTH_AND_IN = rf"(?:{_any_of(_LENGTH)}|in)"
_SECOND_OF_RATE = rf"(?:{_any_of(_TIME)})"
_COMPOUND = (
    rf"(?:square|sq\.?|cubic|cu\.?|平方|立方)\s*{_LENGTH_AND_IN}"
    rf"|{_LENGTH_AND_IN}(?:{_POWER})"
    rf"|(?:{_any_of(_LENGTH)}|{_any_of(_ANGLE)}|°){_RATE}{_SECOND_OF_RATE}(?:\^-1|{_POWER})?"
)
_ENDS = r"(?![^\W\u3040-\u9fff\uac00-\ud7af]|[/^²]|\s*(?:\bper\b|/|每))"
UNIT = (
    rf"(?:(?:{_COMPOUND}|{_any_of(_SIMPLE)}){_ENDS}"
    r"|in(?=\s*(?:$|[.,;:)\]]|\d|\n|wide|long|tall|high|deep|apart|away|from))"  # "3 in", but not "3 in total"
    r"|''|[\"']|°(?!\s*[cf]\b))"
)
_CUBIC = re.compile(r"cu|立方|.*(?:3|cubed)$")
_PARTS = re.compile(
    rf"(?:square|sq\.?|cubic|cu\.?|平方|立方)?\s*(?P<base>{_any_of(_SIMPLE)}|in|°)(?:{_POWER})?"
    rf"(?:{_RATE}(?P<time>{_SECOND_OF_RATE})(?P<power>\^-1|{_POWER})?)?"
)
SPELLED = re.compile(rf"(?<![\w<])(?:{'|'.join(n for n in _any_of(_SIMPLE).split('|') if len(n) > 1)}){_ENDS}")


def find_unit(name: str) -> tuple[str, float] | None:
    """Look up the dimension of a unit and its size in m, m^2, m^3, m/s, m/s^2, s, degrees or degrees/s; else None.

    Names are in lower case: "cm", "square feet", "km/h", "metres per second", "m/s^2", "秒".
    """
    name = " ".join(name.lower().split())
    if name in _SIMPLE:
        return _SIMPLE[name]
    parts = _PARTS.fullmatch(name)
    if not parts:
        return None
    dimension, size = _SIMPLE[parts["base"]]
    if parts["time"] and dimension in ("length", "angle"):
        size /= _TIME[parts["time"]][1]
        dimension = {"length": "speed", "angle": "angular speed"}[dimension]
        if parts["power"] and parts["power"] != "^-1":
            return f"{dimension} per second", size / _TIME[parts["time"]][1]
        return dimension, size
    if dimension != "length":
        return None
    return ("volume", size**3) if _CUBIC.match(name) else ("area", size**2)
