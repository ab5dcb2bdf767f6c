"""The pins of a Raspberry Pi Pico's two rows, as printed on the board."""

PART = "PICO"

_ROW_PINS_OF_GPIO_0_TO_22 = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29)

# GPIO number -> pin in the rows. 23, 24 and 25 have none: they are used inside.
ROW_PIN = {**dict(enumerate(_ROW_PINS_OF_GPIO_0_TO_22)), 26: 31, 27: 32, 28: 34}

# The pins that are not GPIO, by the name that a bench file uses; a ground pin has its number in its name.
FIXED = {
    **{f"GND{pin}": pin for pin in (3, 8, 13, 18, 23, 28, 38)},
    "AGND": 33,
    "RUN": 30,
    "ADC_VREF": 35,
    "3V3": 36,
    "3V3_EN": 37,
    "VSYS": 39,
    "VBUS": 40,
}
